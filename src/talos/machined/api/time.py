"""time.TimeService: the node's clock, and how far an NTP server is from it (SNTP, RFC 4330)."""

from __future__ import annotations

import asyncio
import struct
import time
import typing
from typing import ClassVar

from google.protobuf import empty_pb2, timestamp_pb2

from talos.base import errors
from talos.machined.api import Handlers
from talos.machinery.api._generated.time import time_pb2
from talos.machinery.rpc import server as rpc

NTP_PORT = 123
DEFAULT_SERVER = "time.cloudflare.com"
_TIMEOUT_S = 5.0
# Seconds from the NTP era (1900) to the Unix epoch (1970).
_NTP_TO_UNIX_S = 2_208_988_800
_CLIENT_REQUEST = bytes([0b00_100_011]) + bytes(47)


def _timestamp(seconds: float) -> timestamp_pb2.Timestamp:
    return timestamp_pb2.Timestamp(seconds=int(seconds), nanos=int((seconds % 1) * 1e9))


def parse_reply(packet: bytes) -> float:
    """Transmit time of a server reply in Unix seconds. Raises Invalid for anything that is not a usable reply."""
    if len(packet) < 48:
        raise errors.Invalid(f"NTP reply has {len(packet)} bytes, expected at least 48")
    mode, stratum = packet[0] & 0b111, packet[1]
    if mode != 4:
        raise errors.Invalid(f"NTP reply has mode {mode}, expected 4 (server)")
    if not 1 <= stratum <= 15:
        raise errors.Invalid(f"NTP server is not synchronised (stratum {stratum})")
    seconds, fraction = struct.unpack_from("!II", packet, 40)
    return float(seconds - _NTP_TO_UNIX_S + fraction / 2**32)


class _Exchange(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Before Python 3.12 the event loop's own kind is not derived from it.
        typing.cast("asyncio.DatagramTransport", transport).sendto(_CLIENT_REQUEST)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.reply.done():
            self.reply.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.reply.done():
            self.reply.set_exception(exc)


async def ask(server: str, port: int = NTP_PORT) -> float:
    """Time of `server` now, in Unix seconds, half the round trip added. TimedOut without an answer."""
    loop = asyncio.get_running_loop()
    started = time.monotonic()
    try:
        transport, exchange = await loop.create_datagram_endpoint(_Exchange, remote_addr=(server, port))
    except (OSError, UnicodeError) as error:
        raise errors.Temporary(f"NTP server {server!r} is not found: {error}") from error
    try:
        packet = await asyncio.wait_for(exchange.reply, _TIMEOUT_S)
    except TimeoutError as error:
        raise errors.TimedOut(f"no answer from NTP server {server} within {_TIMEOUT_S:.0f} s") from error
    except OSError as error:
        raise errors.Temporary(f"NTP server {server} does not answer: {error}") from error
    finally:
        transport.close()
    return parse_reply(packet) + (time.monotonic() - started) / 2


class Time(Handlers):
    """Time and TimeCheck."""

    service: ClassVar[str] = "time.TimeService"

    async def time(self, request: empty_pb2.Empty, call: rpc.Call) -> time_pb2.TimeResponse:
        """Compare with the default server."""
        return await self.time_check(time_pb2.TimeRequest(server=DEFAULT_SERVER), call)

    async def time_check(self, request: time_pb2.TimeRequest, call: rpc.Call) -> time_pb2.TimeResponse:
        """Compare with the given server."""
        if not request.server:
            raise errors.Invalid("an NTP server has to be named")
        remote = await ask(request.server)
        message = time_pb2.Time(server=request.server, localtime=_timestamp(time.time()), remotetime=_timestamp(remote))
        return time_pb2.TimeResponse(messages=[message])
