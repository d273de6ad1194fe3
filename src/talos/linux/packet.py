"""Packets as they pass an interface (packet(7)), and the file format they are kept in.

Filters are classic BPF (linux/filter.h). The file format is pcap with times in microseconds, as in the Internet Draft
draft-ietf-opsawg-pcap: a header of 24 bytes, then for each packet a header of 16 bytes and its bytes.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors

_ETH_P_ALL = 0x0003
_SO_ATTACH_FILTER = 26
_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, _PACKET_STATISTICS, _PACKET_MR_PROMISC = 263, 1, 6, 1
_INSTRUCTION = struct.Struct("=HBBI")
_MAX_INSTRUCTIONS = 4096  # BPF_MAXINSNS
_FILE_HEADER = struct.Struct("<IHHiIII")
_PACKET_HEADER = struct.Struct("<IIII")
_MAGIC_MICROSECONDS = 0xA1B2C3D4
_RECEIVE_BUFFER_BYTES = 4 << 20
MAX_SNAP_BYTES = 262_144
_ETHERNET, _RAW = 1, 101  # LINKTYPE_ETHERNET, LINKTYPE_RAW
_LINK_TYPES = {1: _ETHERNET, 772: _ETHERNET, 65534: _RAW, 768: _RAW, 776: _RAW, 778: _RAW}
"""ARPHRD_… of linux/if_arp.h -> link type: Ethernet, loopback; none, IP tunnels, SIT, GRE."""
_ANY_ROOM_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of classic BPF."""

    op: int
    jump_true: int
    jump_false: int
    k: int


def encode_filter(program: Sequence[Instruction]) -> bytes:
    """Return the program as an array of struct sock_filter. Raises Invalid."""
    if len(program) > _MAX_INSTRUCTIONS:
        raise errors.Invalid(f"filter has {len(program)} instructions, the kernel takes {_MAX_INSTRUCTIONS}")
    try:
        return b"".join(_INSTRUCTION.pack(i.op, i.jump_true, i.jump_false, i.k) for i in program)
    except struct.error as error:
        raise errors.Invalid(f"filter has a number out of range: {error}") from error


def file_header(link_type: int, snap_bytes: int) -> bytes:
    """Return the beginning of a capture file."""
    return _FILE_HEADER.pack(_MAGIC_MICROSECONDS, 2, 4, 0, 0, snap_bytes, link_type)


def record(data: bytes, length: int, at: float) -> bytes:
    """Return a packet as it is kept: `data` of the `length` bytes it had, at `at` (Unix seconds)."""
    seconds = int(at)
    return _PACKET_HEADER.pack(seconds & 0xFFFFFFFF, int((at - seconds) * 1e6), len(data), length) + data


def link_type(interface: str, devices: Path = Path("/sys/class/net")) -> int:
    """Return the link type of an interface. Raises NotFound, and Unsupported for hardware without a known one."""
    if "/" in interface or interface in ("", ".", ".."):
        raise errors.Invalid(f"{interface!r} is no name of an interface")
    try:
        hardware = int((devices / interface / "type").read_text())
    except FileNotFoundError as error:
        raise errors.NotFound(f"there is no interface {interface!r}") from error
    if hardware not in _LINK_TYPES:
        raise errors.Unsupported(f"packets of {interface!r} (hardware type {hardware}) can not be captured")
    return _LINK_TYPES[hardware]


class Capture:
    """A socket that sees every packet of an interface. Close it."""

    def __init__(
        self, interface: str, *, promiscuous: bool = False, snap_bytes: int = 0, program: Sequence[Instruction] = ()
    ) -> None:
        """Begin. Raises NotFound, Invalid (filter refused), OSError."""
        self.link_type = link_type(interface)
        self.snap_bytes = min(snap_bytes or MAX_SNAP_BYTES, MAX_SNAP_BYTES)
        code = encode_filter(program)
        # Bound to no protocol until the filter is in place: nothing gets in unfiltered.
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
            if program:
                self._attach(code, len(program))
            index = socket.if_nametoindex(interface)
            if promiscuous:
                wish = struct.pack("=iHH8s", index, _PACKET_MR_PROMISC, 0, b"")
                self._socket.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, wish)
            self._socket.bind((interface, _ETH_P_ALL))
        except BaseException:
            self._socket.close()
            raise

    def _attach(self, code: bytes, count: int) -> None:
        kept = ctypes.create_string_buffer(code, len(code))
        try:
            program = struct.pack("@HP", count, ctypes.addressof(kept))
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
        except OSError as error:
            raise errors.Invalid(f"the kernel refuses the filter: {os.strerror(error.errno or 0)}") from error

    def statistics(self) -> tuple[int, int]:
        """Return how many packets there were, and how many of them were lost, since the last question."""
        packets, lost = struct.unpack("=II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        return packets, lost

    async def packets(self) -> AsyncIterator[tuple[bytes, int, float]]:
        """Yield (bytes kept, length on the wire, Unix seconds) for ever."""
        loop = asyncio.get_running_loop()
        buffer = bytearray(max(self.snap_bytes, _ANY_ROOM_BYTES))
        while True:
            try:
                # MSG_TRUNC: the result is the length of the packet, also when less was wanted.
                length = self._socket.recv_into(buffer, self.snap_bytes, socket.MSG_TRUNC)
            except BlockingIOError:
                await _readable(loop, self._socket)
                continue
            yield bytes(buffer[: min(length, self.snap_bytes)]), length, time.time()

    def close(self) -> None:
        """End the capture."""
        self._socket.close()


async def _readable(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    ready = loop.create_future()

    def arrived() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(sock, arrived)
    try:
        await ready
    finally:
        loop.remove_reader(sock)
