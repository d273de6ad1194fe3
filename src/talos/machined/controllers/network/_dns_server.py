"""Listens on UDP and TCP and hands queries to the forwarder."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any, cast

from talos.machined.controllers.network import _dns_forwarder as forwarder

_log = logging.getLogger("talos.hostdns")


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, server: Server) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._server.spawn(self._reply(data, addr))

    async def _reply(self, data: bytes, addr: tuple[Any, ...]) -> None:
        reply = await self._server.forwarder.answer(data, tcp=False)
        if reply is not None and not self._transport.is_closing():
            self._transport.sendto(reply, addr)

    def error_received(self, exc: Exception) -> None:
        _log.debug("sending an answer: %s", exc)


class Server:
    """One listening address, both transports."""

    def __init__(self, answers: forwarder.Forwarder) -> None:
        self.forwarder = answers
        self._tasks: set[asyncio.Task[None]] = set()
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._clients = 0

    async def start(self, address: str, port: int) -> None:
        """Listen. Raises OSError when the address is not there (yet) or taken."""
        loop = asyncio.get_running_loop()
        udp, _ = await loop.create_datagram_endpoint(lambda: _Receiver(self), local_addr=(address, port))
        self._udp = udp
        try:
            port = udp.get_extra_info("sockname")[1]
            self._tcp = await asyncio.start_server(self._client, address, port)
        except OSError:
            await self.close()
            raise

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        assert self._udp is not None
        host, port = self._udp.get_extra_info("sockname")[:2]
        return host, port

    async def close(self) -> None:
        """Stop listening, drop clients."""
        if self._udp:
            self._udp.close()
        if self._tcp:
            self._tcp.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run one answer; beyond the limit the query is dropped, as on a full socket buffer."""
        if len(self._tasks) >= 2 * forwarder.PENDING_MAX:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._clients += 1
        try:
            if self._clients <= forwarder.TCP_CLIENTS_MAX:
                await self._serve(reader, writer)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as err:
            _log.debug("a TCP client: %s", err)
        finally:
            self._clients -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(forwarder.TCP_QUERIES_MAX):
            async with asyncio.timeout(forwarder.TCP_IDLE_S):
                length = int.from_bytes(await reader.readexactly(2), "big")
                request = await reader.readexactly(length)
            reply = await self.forwarder.answer(request, tcp=True)
            if reply is None:
                return
            writer.write(len(reply).to_bytes(2, "big") + reply)
            async with asyncio.timeout(forwarder.TCP_IDLE_S):
                await writer.drain()
