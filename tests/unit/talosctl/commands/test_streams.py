"""logs and dmesg: whole lines, whose they are, and when to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from tests.unit.talosctl.commands.conftest import MACHINE, Cluster


def _data(*chunks: bytes) -> list[common_pb2.Data]:
    return [common_pb2.Data(bytes=chunk) for chunk in chunks]


def test_chunks_become_lines_with_the_node_in_front(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}Logs", _data(b"first\nsec", b"ond\n\nlast wi", b"thout end \xff"))
    ran = cluster.run("logs", "kubelet", "--tail", "7")
    assert ran.lines == ["10.5.0.2: first", "10.5.0.2: second", "10.5.0.2: ", "10.5.0.2: last without end \ufffd"]
    (request,) = cluster.requests(f"{MACHINE}Logs")
    assert (request.id, request.namespace, request.driver) == ("kubelet", "system", common_pb2.CONTAINERD)
    assert (request.tail_lines, request.follow) == (7, False)


def test_logs_of_kubernetes(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}Logs", [])
    assert cluster.run("logs", "-fk", "kube-system/pod:app:0123").code == 0
    (request,) = cluster.requests(f"{MACHINE}Logs")
    assert (request.id, request.namespace, request.driver) == ("kube-system/pod:app:0123", "k8s.io", common_pb2.CRI)
    assert (request.tail_lines, request.follow) == (-1, True)


def test_lines_of_several_nodes_do_not_mix(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}Logs", lambda request, node: _data(b"a", node.encode(), b"\nb", node.encode(), b"\n"))
    ran = cluster.run("logs", "apid", nodes="10.5.0.2,10.5.0.3")
    assert sorted(ran.lines) == [
        "10.5.0.2: a10.5.0.2", "10.5.0.2: b10.5.0.2", "10.5.0.3: a10.5.0.3", "10.5.0.3: b10.5.0.3",
    ]  # fmt: skip


def test_dmesg(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}Dmesg", _data(b"kern: info: [2026]: one", b"kern: info: [2026]: two"))
    ran = cluster.run("dmesg", "-f", "--tail")
    assert ran.lines == ["10.5.0.2: kern: info: [2026]: one", "10.5.0.2: kern: info: [2026]: two"]
    (request,) = cluster.requests(f"{MACHINE}Dmesg")
    assert (request.follow, request.tail) == (True, True)


def _endless(request: Any, node: str) -> AsyncIterator[common_pb2.Data]:
    async def lines() -> AsyncIterator[common_pb2.Data]:
        number = 0
        while True:
            yield common_pb2.Data(bytes=b"line %d\n" % number)
            number += 1
            await asyncio.sleep(0.001)

    return lines()


def _start(cluster: Cluster, *argv: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "talos.talosctl.main", "-n", "10.5.0.2", "--talosconfig", str(cluster.talosconfig)]
    return subprocess.Popen([*command, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_following_shows_lines_as_they_come_and_ends_with_its_reader(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}Logs", _endless)
    with _start(cluster, "logs", "-f", "apid") as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"10.5.0.2: line 0\n"
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == b""


def test_an_interrupt_ends_quietly(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}Logs", _endless)
    with _start(cluster, "logs", "-f", "apid") as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        process.stdout.read()
        assert process.wait(20) == 130
        assert process.stderr.read() == b""


def test_restart_and_stats(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}Restart", machine_pb2.RestartResponse(messages=[machine_pb2.Restart()]))
    assert cluster.run("restart", "-k", "kube-system/pod:app:0123").out == ""
    (request,) = cluster.requests(f"{MACHINE}Restart")
    assert (request.id, request.namespace, request.driver) == ("kube-system/pod:app:0123", "k8s.io", common_pb2.CRI)
    stat = machine_pb2.Stat(namespace="system", id="etcd", pod_id="etcd", memory_usage=12_345_678, cpu_usage=99)
    cluster.serve(f"{MACHINE}Stats", machine_pb2.StatsResponse(messages=[machine_pb2.Stats(stats=[stat])]))
    assert cluster.run("stats").lines == [
        "NODE       NAMESPACE   ID     MEMORY(MB)   CPU",
        "10.5.0.2   system      etcd   12.35        99",
    ]


@pytest.mark.feature("G004")
def test_nodes_come_from_the_flag_or_the_context(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}Logs", [])
    ran = cluster.run("logs", "apid", nodes="")
    assert ran.code == 2
    assert "--nodes" in ran.err
    assert cluster.run("config", "node", "10.5.0.7", "10.5.0.8", nodes="").code == 0
    assert cluster.run("logs", "apid", nodes="").code == 0
    assert sorted(node for _, node, _ in cluster.asked) == ["10.5.0.7", "10.5.0.8"]
    cluster.asked.clear()
    assert cluster.run("logs", "apid", nodes="10.5.0.2").code == 0
    assert [node for _, node, _ in cluster.asked] == ["10.5.0.2"]


def test_an_endpoint_that_is_down_is_told(cluster: Cluster) -> None:
    ran = cluster.run("-e", "127.0.0.1:1", "memory")
    assert (ran.code, ran.out.splitlines()[1:]) == (5, [])
    assert "10.5.0.2" in ran.err
