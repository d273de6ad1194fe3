"""pcap: what is asked for, what is shown, what is kept."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from talos.machinery.api._generated.common import common_pb2
from tests.unit.talosctl.commands.conftest import MACHINE, Cluster
from tests.unit.talosctl.test_packets import ethernet, ip4, tcp

HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65536, 1)
PACKET = ethernet(0x800, ip4(6, tcp(0x02)))
RECORD = struct.pack("<IIII", 1_700_000_000, 250_000, len(PACKET), len(PACKET)) + PACKET
FILTER = """{ 0x28, 0, 0, 0x0000000c },
{ 0x15, 0, 1, 0x00000800 },
{ 0x6, 0, 0, 0x00040000 },
{ 0x6, 0, 0, 0x00000000 },
"""


def chunks(data: bytes, size: int) -> list[common_pb2.Data]:
    return [common_pb2.Data(bytes=data[at : at + size]) for at in range(0, len(data), size)]


@pytest.mark.feature("G108")
def test_packets_are_told_in_lines(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    cluster.serve(f"{MACHINE}PacketCapture", chunks(HEADER + RECORD * 2, 10))
    ran = cluster.run("pcap", "-i", "eth1", "--promiscuous", "--bpf-filter", FILTER)
    assert ran.code == 0, ran.err
    assert len(ran.lines) == 2
    assert ran.lines[0].endswith(".250000 IP 10.5.0.2.40000 > 10.5.0.3.50000: TCP [S], seq 7, win 512, length 0")
    (request,) = cluster.requests(f"{MACHINE}PacketCapture")
    assert (request.interface, request.promiscuous, request.snap_len) == ("eth1", True, 65536)
    assert [(i.op, i.jt, i.jf, i.k) for i in request.bpf_filter] == [
        (0x28, 0, 0, 12), (0x15, 0, 1, 0x800), (6, 0, 0, 0x40000), (6, 0, 0, 0),
    ]  # fmt: skip


def test_the_file_is_what_the_node_sent(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve(f"{MACHINE}PacketCapture", chunks(HEADER + RECORD * 2, 7))
    target = tmp_path / "eth0.pcap"
    assert cluster.run("tcpdump", "-o", str(target)).code == 0
    assert target.read_bytes() == HEADER + RECORD * 2
    assert cluster.raw("pcap", "--output", "-") == HEADER + RECORD * 2


def test_a_capture_ends_after_its_duration(cluster: Cluster) -> None:
    async def endless(request: Any, node: str) -> AsyncIterator[common_pb2.Data]:
        async def packets() -> AsyncIterator[common_pb2.Data]:
            yield common_pb2.Data(bytes=HEADER + RECORD)
            await asyncio.sleep(60)

        return packets()

    cluster.serve(f"{MACHINE}PacketCapture", endless)
    ran = cluster.run("pcap", "--duration", "500ms")
    assert (ran.code, len(ran.lines)) == (0, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tcp port 80", "tcpdump -dd -y EN10MB 'tcp port 80'"),
        ("{ 0x28, 0, 0 },", "no instruction"),
        ("{ 0x28, 300, 0, 0 },", "out of range"),
    ],
)
def test_filters_that_are_none(cluster: Cluster, text: str, words: str) -> None:
    ran = cluster.run("pcap", "--bpf-filter", text)
    assert ran.code == 2
    assert words in ran.err


def test_one_node_at_a_time(cluster: Cluster) -> None:
    assert cluster.run("pcap", nodes="10.5.0.2,10.5.0.3").code == 2
