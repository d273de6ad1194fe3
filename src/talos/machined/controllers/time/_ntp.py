"""One question to a time server (RFC 5905, client mode), one look at a clock device, and what to make of many.

`sanity` refuses an answer that is not one to this question or that comes from a server without time; `Filter` refuses
one that jumps while the others do not.
"""

from __future__ import annotations

import asyncio
import collections
import os
import statistics
import struct
import time
from dataclasses import dataclass
from typing import cast

from talos.base import errors
from talos.linux import adjtime

PORT = 123
TIMEOUT_S = 5.0
_ERA_S = 2_208_988_800  # from 1900 to 1970
_PACKET = struct.Struct("!BBbbII4s8s8s8s8s")
_REQUEST_HEAD = bytes([0b00_100_011])
_SERVER, _UNSYNCHRONISED, _LONGEST_DISTANCE_S = 4, 3, 3.0
_SAMPLES = 8
_CLOCK_FD = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """How far the own clock is behind the source, and how long the question took, in seconds."""

    offset_s: float
    round_trip_s: float


def seconds(raw: bytes, near: float) -> float:
    """An NTP timestamp as UNIX seconds, in the era that is next to `near`. Eras are 136 years long."""
    whole, fraction = struct.unpack("!II", raw)
    found = whole - _ERA_S + fraction / 2**32
    return float(found + round((near - found) / 2**32) * 2**32)


def sanity(packet: bytes, cookie: bytes, sent: float, received: float) -> Sample:
    """Turn an answer into a sample. `cookie`: what was sent as the time of sending. Raises Invalid."""
    if len(packet) < _PACKET.size:
        raise errors.Invalid(f"the answer has {len(packet)} bytes")
    fields = _PACKET.unpack_from(packet)
    head, stratum, delay, dispersion, reference = fields[0], fields[1], fields[4], fields[5], fields[6]
    if head & 0b111 != _SERVER or fields[8] != cookie:
        raise errors.Invalid("the answer is none to the question")
    if stratum == 0:
        raise errors.Invalid(f"the server refuses: {reference.decode('ascii', 'replace')}")
    if head >> 6 == _UNSYNCHRONISED or stratum > 15 or delay / 2**17 + dispersion / 2**16 > _LONGEST_DISTANCE_S:
        raise errors.Invalid("the server has no time itself")
    if fields[10] == bytes(8) or fields[9] == bytes(8):
        raise errors.Invalid("the answer has no time")
    arrived, left = seconds(fields[9], received), seconds(fields[10], received)
    offset = ((arrived - sent) + (left - received)) / 2
    return Sample(offset, max(0.0, (received - sent) - (left - arrived)))


class _Exchange(asyncio.DatagramProtocol):
    def __init__(self, question: bytes) -> None:
        self._question = question
        self.answer: asyncio.Future[tuple[bytes, float]] = asyncio.get_running_loop().create_future()
        self.sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.sent = time.monotonic()
        # Not every loop's datagram transport is a DatagramTransport by class.
        cast(asyncio.DatagramTransport, transport).sendto(self._question)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        # Others may send us packets too; only ours carries the cookie.
        if not self.answer.done() and data[24:32] == self._question[40:48]:
            self.answer.set_result((data, time.monotonic()))

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def ask(server: str, clock: adjtime.Clock, *, port: int = PORT) -> Sample:
    """Ask a server. Raises OSError, TimedOut, Invalid.

    The time of sending in the question is random: it binds the answer to it and tells nobody our clock.
    """
    cookie = os.urandom(8)
    question = _REQUEST_HEAD + bytes(39) + cookie
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            transport, exchange = await loop.create_datagram_endpoint(
                lambda: _Exchange(question), remote_addr=(server, port)
            )
            try:
                # Differences are measured on the monotonic clock: the other one may be set meanwhile.
                base = clock.now() - time.monotonic()
                packet, received = await exchange.answer
            finally:
                transport.close()
    except TimeoutError as error:
        raise errors.TimedOut(f"no answer within {TIMEOUT_S:g} s") from error
    return sanity(packet, cookie, base + exchange.sent, base + received)


def look(device: str, clock: adjtime.Clock) -> Sample:
    """Read a PTP hardware clock. Raises OSError."""
    fd = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        before = clock.now()
        there = time.clock_gettime(~fd << 3 | _CLOCK_FD)
        after = clock.now()
    finally:
        os.close(fd)
    return Sample(there - (before + after) / 2, after - before)


class Filter:
    """Recent samples; a spike is one that is far from them all, until there are several in a row."""

    def __init__(self, patience: int = _SAMPLES // 2) -> None:
        self._samples: collections.deque[Sample] = collections.deque(maxlen=_SAMPLES)
        self._patience = patience
        self.spikes = 0

    def accepts(self, sample: Sample) -> bool:
        """Whether the clock may follow this sample; it is remembered in any case."""
        jumps = self._jumps(sample)
        self.spikes = self.spikes + 1 if jumps else 0
        if jumps and self.spikes <= self._patience:
            return False
        if jumps:
            # It is not a spike but the new truth.
            self.clear()
        self._samples.append(sample)
        return True

    def _jumps(self, sample: Sample) -> bool:
        if len(self._samples) < 2:
            return False
        best = min(self._samples, key=lambda one: one.round_trip_s)
        spread = statistics.pstdev(one.offset_s for one in self._samples)
        jitter = max(spread, best.round_trip_s / 2, 0.001)
        return abs(sample.offset_s - best.offset_s) > 3 * jitter + sample.round_trip_s / 2

    def clear(self) -> None:
        """Forget: the clock was set."""
        self._samples.clear()
        self.spikes = 0
