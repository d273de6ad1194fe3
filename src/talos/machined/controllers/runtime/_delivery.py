"""Lines of JSON to a collector over TCP or UDP: a bounded queue, so that a slow or absent collector costs no more.

Over TCP a line ends with a line feed, over UDP a datagram is a line. What does not fit into the queue any more is
counted, and the collector is told how many lines are missing. A collector that goes away is called again with growing
pauses; the line that was being sent is sent again, so a line may come twice but not in part.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

QUEUE_LINES = 1000
DIAL_TIMEOUT_S = 10.0
SEND_TIMEOUT_S = 30.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
_LARGEST_DATAGRAM = 60_000


class Sender:
    """Delivers to one URL (`tcp://host:port`, `udp://host:port`). Run `run` in a task."""

    def __init__(self, url: str, logger: logging.Logger, *, first_pause_s: float = FIRST_PAUSE_S) -> None:
        parts = urlsplit(url)
        self.url = url
        self._udp, self._host, self._port = parts.scheme == "udp", parts.hostname or "", parts.port or 0
        self._log, self._first_pause_s = logger, first_pause_s
        self._queue: collections.deque[bytes] = collections.deque()
        self._lost = 0
        self._arrived = asyncio.Event()

    def put(self, entry: Mapping[str, Any]) -> None:
        """Queue a line; the oldest goes when the queue is full."""
        if len(self._queue) >= QUEUE_LINES:
            self._queue.popleft()
            self._lost += 1
        self._queue.append(json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode())
        self._arrived.set()

    async def run(self) -> None:
        """Deliver for ever."""
        pause_s, told = self._first_pause_s, False
        while True:
            await self._wait()
            try:
                await (self._datagrams() if self._udp else self._stream())
                pause_s, told = self._first_pause_s, False
            except (OSError, TimeoutError) as error:
                if not told:
                    self._log.warning("%s: %s; trying again", self.url, str(error) or "no answer in time")
                    told = True
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _wait(self) -> None:
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()

    def _first(self) -> bytes:
        if self._lost:
            note = {"msg": f"{self._lost} lines were lost", "talos-level": "warn"}
            self._queue.appendleft(json.dumps(note).encode())
            self._lost = 0
        return self._queue[0]

    def _sent(self, line: bytes) -> None:
        if self._queue and self._queue[0] is line:
            self._queue.popleft()

    async def _stream(self) -> None:
        async with asyncio.timeout(DIAL_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(self._host, self._port)
        closed = asyncio.ensure_future(reader.read())
        try:
            while not closed.done():
                line = self._first()
                writer.write(line + b"\n")
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await writer.drain()
                self._sent(line)
                if not self._queue:
                    await asyncio.wait(
                        {closed, waiting := asyncio.ensure_future(self._wait())},
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                    waiting.cancel()
        finally:
            closed.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await closed
            writer.close()

    async def _datagrams(self) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(self._host, self._port)
        )
        try:
            while True:
                line = self._first()
                transport.sendto(line[:_LARGEST_DATAGRAM])
                self._sent(line)
                await self._wait()
        finally:
            transport.close()
