"""Captures: the file format, and the real thing on the loopback device."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

import pytest

from talos.base import errors
from talos.linux import packet

IPV4_ONLY = [  # tcpdump -dd ip
    packet.Instruction(0x28, 0, 0, 12),
    packet.Instruction(0x15, 0, 1, 0x0800),
    packet.Instruction(0x06, 0, 0, 262144),
    packet.Instruction(0x06, 0, 0, 0),
]
NOTHING = [packet.Instruction(0x06, 0, 0, 0)]


def test_file_begins_as_readers_expect() -> None:
    header = packet.file_header(1, 65535)
    assert struct.unpack("<IHHiIII", header) == (0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    record = packet.record(b"abc", 90, 1700000000.25)
    assert struct.unpack("<IIII", record[:16]) == (1700000000, 250000, 3, 90)
    assert record[16:] == b"abc"


def test_filters_are_checked() -> None:
    assert packet.encode_filter(IPV4_ONLY[:1]) == struct.pack("=HBBI", 0x28, 0, 0, 12)
    with pytest.raises(errors.Invalid):
        packet.encode_filter([packet.Instruction(0x28, 256, 0, 0)])
    with pytest.raises(errors.Invalid):
        packet.encode_filter(NOTHING * 4097)


@pytest.mark.parametrize("name", ["", "..", "../..", "no-such-device", "a/b"])
def test_interfaces_that_do_not_exist(name: str) -> None:
    with pytest.raises((errors.NotFound, errors.Invalid)):
        packet.Capture(name)


async def _some(capture: packet.Capture, seconds: float = 0.5) -> list[tuple[bytes, int, float]]:
    found = []

    async def collect() -> None:
        async for item in capture.packets():
            found.append(item)  # noqa: PERF401 ended by the timeout

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(collect(), seconds)
    return found


def _talk(payload: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(payload, ("127.0.0.1", 9))


@pytest.mark.feature("Q013")
async def test_loopback_is_captured_and_cut() -> None:
    capture = packet.Capture("lo", snap_bytes=60, program=IPV4_ONLY)
    try:
        assert capture.link_type == 1
        _talk(b"distinctive" * 50)
        found = [item for item in await _some(capture) if b"distinctive" in item[0]]
    finally:
        capture.close()
    assert found
    data, length, _ = found[0]
    assert (len(data), length) == (60, 14 + 20 + 8 + 550)


@pytest.mark.feature("Q013")
async def test_filter_decides() -> None:
    capture = packet.Capture("lo", program=NOTHING)
    try:
        _talk(b"unseen")
        assert await _some(capture, 0.2) == []
    finally:
        capture.close()


def test_the_kernel_refuses_programs_without_an_end() -> None:
    with pytest.raises(errors.Invalid, match="filter"):
        packet.Capture("lo", program=[packet.Instruction(0x28, 0, 0, 12)])
