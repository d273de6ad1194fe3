"""netstat: what flags ask for, and the columns they add."""

from __future__ import annotations

from typing import Any

import pytest

from talos.machinery.api._generated.machine import machine_pb2
from tests.unit.talosctl.commands.conftest import MACHINE, Cluster

Request = machine_pb2.NetstatRequest
Record = machine_pb2.ConnectRecord


@pytest.fixture
def node(cluster: Cluster) -> Cluster:
    one = Record(
        l4proto="tcp", localip="10.5.0.2", localport=50000, remoteip="10.5.0.1", remoteport=4711,
        state=Record.ESTABLISHED, rxqueue=1, txqueue=2, uid=50, inode=99, tr=Record.KEEPALIVE,
        timerwhen=150, retrnsmt=3, timeout=4,
        process=Record.Process(pid=7, name="apid"),
    )  # fmt: skip
    two = Record(l4proto="udp6", localip="::", localport=53, remoteip="::", state=Record.CLOSE, netns="cni-1")
    new = Record(l4proto="tcp", localip="10.5.0.2", localport=1, remoteip="10.5.0.1", remoteport=2, state=12)  # type: ignore[arg-type]
    cluster.serve(
        f"{MACHINE}Netstat", machine_pb2.NetstatResponse(messages=[machine_pb2.Netstat(connectrecord=[one, two, new])])
    )
    pod = machine_pb2.ContainerInfo(id="kube-system/dns", pod_id="kube-system/dns", pid=9, network_namespace="cni-1")
    inner = machine_pb2.ContainerInfo(id="kube-system/dns:x:0", pod_id="kube-system/dns", pid=10)
    cluster.serve(
        f"{MACHINE}Containers",
        machine_pb2.ContainersResponse(messages=[machine_pb2.Container(containers=[pod, inner])]),
    )
    return cluster


def test_columns(node: Cluster) -> None:
    assert node.run("netstat").lines == [
        "NODE       Proto   Recv-Q   Send-Q   Local Address    Foreign Address   State",
        "10.5.0.2   tcp     1        2        10.5.0.2:50000   10.5.0.1:4711     ESTABLISHED",
        "10.5.0.2   udp6    0        0        [::]:53          [::]:*",
        "10.5.0.2   tcp     0        0        10.5.0.2:1       10.5.0.1:2        12",
    ]


def test_every_column(node: Cluster) -> None:
    lines = node.run("ss", "-xpko").lines
    assert lines[0].split()[9:] == ["Uid", "Inode", "PID/Program", "name", "Pod", "Timer"]
    assert lines[1].split()[7:] == ["50", "99", "7/apid", "-", "keepalive", "(1.50/3/4)"]
    assert lines[2].split()[6:] == ["0", "0", "-", "kube-system/dns", "off", "(0.00/0/0)"]


@pytest.mark.parametrize(
    ("flags", "protocols", "filter"),
    [
        ((), "tcp tcp6 udp udp6", Request.CONNECTED),
        (("-a",), "tcp tcp6 udp udp6", Request.ALL),
        (("-lt",), "tcp tcp6", Request.LISTENING),
        (("-u", "-4"), "udp", Request.CONNECTED),
        (("-w6",), "raw6", Request.CONNECTED),
        (("-U46",), "udplite udplite6", Request.CONNECTED),
        (("-v4",), "raw tcp udp udplite", Request.CONNECTED),
    ],
)
def test_what_is_asked(node: Cluster, flags: tuple[str, ...], protocols: str, filter: int) -> None:
    node.run("netstat", *flags)
    (request,) = node.requests(f"{MACHINE}Netstat")
    assert sorted(field.name for field, _ in request.l4proto.ListFields()) == sorted(protocols.split())
    assert (request.filter, request.netns.hostnetwork, request.netns.allnetns) == (filter, True, False)
    assert request.feature.pid is False


def test_one_pod(node: Cluster) -> None:
    assert node.run("netstat", "Kube-System/DNS").code == 0
    (request,) = node.requests(f"{MACHINE}Netstat")
    assert (list(request.netns.netns), request.netns.hostnetwork) == (["cni-1"], False)
    ran = node.run("netstat", "kube-system/nobody")
    assert (ran.code, ran.out) == (3, "")
    assert node.run("netstat", "-k", "kube-system/dns").code == 2


def test_pods_are_asked_for_only_when_they_are_shown(node: Cluster) -> None:
    asked: Any = node.run("netstat") and [path for path, _, _ in node.asked]
    assert asked == [f"{MACHINE}Netstat"]
    node.run("netstat", "-k")
    assert node.requests(f"{MACHINE}Netstat")[-1].netns.allnetns
