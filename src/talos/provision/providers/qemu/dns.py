"""DNS for the nodes of a cluster: the nodes' own names are answered here, all else by this machine's servers.

Messages are passed on as they are (RFC 1035); only the question of a query is read. Over TCP one connection carries
one query after the other to one server.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from talos.base import tasks

PORT = 53
_RESOLVERS = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))
_HEADER = struct.Struct("!HHHHHH")
_TIMEOUT_S = 3.0
_TTL_S = 60
_A, _AAAA, _IN = 1, 28, 1
_RESPONSE, _RECURSES, _SERVFAIL = 0x8400, 0x0080, 2
_MAX_WAITING = 256


def question(message: bytes) -> tuple[str, int, int]:
    """Name (lower case, no dot at the end), type and end of the one question. Raises ValueError."""
    if len(message) < _HEADER.size or struct.unpack_from("!H", message, 4)[0] != 1:
        raise ValueError("not one question")
    labels, at = [], _HEADER.size
    while True:
        if at >= len(message):
            raise ValueError("the name ends outside of the message")
        length = message[at]
        if length == 0:
            break
        if length > 63 or at + 1 + length > len(message):
            raise ValueError("a label ends outside of the message")
        labels.append(message[at + 1 : at + 1 + length].decode("ascii", errors="replace").lower())
        at += 1 + length
    if at + 5 > len(message):
        raise ValueError("the question ends outside of the message")
    kind, _ = struct.unpack_from("!HH", message, at + 1)
    return ".".join(labels), kind, at + 5


def own_answer(message: bytes, names: Mapping[str, str]) -> bytes | None:
    """The answer for a name of ours (`names`: to IPv4 address), None for any other. Raises ValueError."""
    name, kind, end = question(message)
    address = names.get(name)
    if address is None:
        return None
    id, flags = struct.unpack_from("!HH", message)
    records = b""
    if kind == _A:
        # The name is that of the question, at offset 12.
        records = struct.pack("!HHHIH", 0xC000 | _HEADER.size, _A, _IN, _TTL_S, 4)
        records += ipaddress.IPv4Address(address).packed
    head = _HEADER.pack(id, _RESPONSE | (flags & 0x0100) | _RECURSES, 1, 1 if records else 0, 0, 0)
    return head + message[_HEADER.size : end] + records


def failure(message: bytes) -> bytes:
    """The answer that nobody could be asked."""
    id, flags = struct.unpack_from("!HH", message)
    return struct.pack("!HH", id, 0x8000 | (flags & 0x7900) | _RECURSES | _SERVFAIL) + message[4:]


def servers(candidates: Sequence[Path] = _RESOLVERS) -> list[str]:
    """This machine's name servers; from here its loopback ones can be reached, too."""
    for path in candidates:
        with contextlib.suppress(OSError):
            lines = [line.split() for line in path.read_text().splitlines()]
            if found := [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]:
                return found
    return []


class _Reply(asyncio.DatagramProtocol):
    def __init__(self, asked: bytes) -> None:
        self._id = asked[:2]
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data[:2] == self._id and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


class Server(asyncio.DatagramProtocol):
    """The forwarder; `names` is asked for each query."""

    def __init__(self, owner: tasks.Owner, names: Callable[[], Mapping[str, str]]) -> None:
        self._owner, self._names, self._waiting = owner, names, 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready."""
        # Of Python 3.11's own transports none is an instance of the class they implement.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a query; what is none is dropped, and so is what comes while too many wait."""
        if self._waiting < _MAX_WAITING:
            self._owner.spawn(self._answer(data, addr), "DNS query")

    async def _answer(self, data: bytes, addr: tuple[str, int]) -> None:
        self._waiting += 1
        try:
            with contextlib.suppress(ValueError, OSError):
                reply = await self._resolve(data)
                if self._transport is not None:
                    self._transport.sendto(reply, addr)
        finally:
            self._waiting -= 1

    async def _resolve(self, data: bytes) -> bytes:
        if (own := own_answer(data, self._names())) is not None:
            return own
        for server in servers():
            with contextlib.suppress(OSError, TimeoutError):
                return await _ask(server, data)
        return failure(data)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the queries of one TCP connection."""
        with contextlib.suppress(ValueError, OSError, TimeoutError, asyncio.IncompleteReadError):
            while True:
                async with asyncio.timeout(30.0):
                    data = await _read(reader)
                reply = own_answer(data, self._names()) or await _ask_by_stream(data)
                writer.write(len(reply).to_bytes(2, "big") + reply)
                await writer.drain()
        writer.close()


async def _ask(server: str, data: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: _Reply(data), remote_addr=(server, PORT))
    try:
        transport.sendto(data)
        async with asyncio.timeout(_TIMEOUT_S):
            return await protocol.answer
    finally:
        transport.close()


async def _ask_by_stream(data: bytes) -> bytes:
    for server in servers():
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(server, PORT)
                try:
                    writer.write(len(data).to_bytes(2, "big") + data)
                    return await _read(reader)
                finally:
                    writer.close()
    return failure(data)


async def _read(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))


async def serve(address: str, owner: tasks.Owner, names: Callable[[], Mapping[str, str]]) -> None:
    """Answer on an address until `owner` ends. Raises OSError when the port is taken."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: Server(owner, names), local_addr=(address, PORT))
    listening = await asyncio.start_server(server.stream, address, PORT)

    async def close_at_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            transport.close()
            listening.close()

    owner.spawn(close_at_end(), "DNS sockets")
