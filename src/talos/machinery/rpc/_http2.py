"""HTTP/2 below gRPC, hardened: what grpclib leaves to the good behaviour of the peer is bounded or refused here.

* Received bytes lie in one flat buffer per stream. grpclib keeps an object per DATA frame, which a peer that sends
  frames of one byte turns into a hundredfold of what flow control allows; and it takes a message that is cut off, or an
  empty frame, for a mistake of ours.
* Frames of unknown types are ignored (RFC 9113, 4.1), malformed ones end the connection, with GOAWAY and quietly.
* Floods end the connection: of resets (CVE-2023-44487), and of control frames whose answers nobody reads
  (CVE-2019-9512, CVE-2019-9515).
* TLS without the protocol `h2` agreed on (ALPN), connections over the limit and idle ones are closed.
* Requests whose headers can not be understood have a status instead of no answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpclib.metadata
import grpclib.protocol
import grpclib.server
import h2.events
import h2.settings

from talos.machinery.rpc import status

_log = logging.getLogger("rpc.http2")
_BACKLOG_BYTES = 32 << 20
_PER_S: dict[type, int] = {
    h2.events.StreamReset: 500,
    h2.events.PingReceived: 1000,
    h2.events.RemoteSettingsChanged: 100,
}
"""More of these in a second is no use anybody makes of a connection."""
_CLOSE_S = 1.0
_UNPARSED_BYTES = 128 << 10
_INVALID = str(status.Code.INVALID_ARGUMENT.value)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server grants its callers.

    `message_bytes` for one message, `inflight_bytes` for all large ones that are on their way at a time; `request_s`
    until a request (or the rest of a message whose length is announced) has arrived; `idle_s` for a connection without
    a call, None: for ever.
    """

    message_bytes: int = 32 << 20
    inflight_bytes: int = 128 << 20
    connections: int = 1024
    streams: int = 256
    request_s: float = 60.0
    idle_s: float | None = None


class Buffer:
    """Bytes received on a stream and not read yet, in place of grpclib's."""

    def __init__(self, ack_callback: Callable[[int], None]) -> None:
        self._ack = ack_callback
        self._data = bytearray()
        self._unacked = 0
        self._eof = False
        self._changed = asyncio.Event()

    def add(self, data: bytes, ack_size: int) -> None:
        """Take what a frame brought; `ack_size` is what flow control counts for it, with padding."""
        self._data += data
        self._unacked += ack_size
        self._changed.set()

    def eof(self) -> None:
        """Nothing more will come."""
        self._eof = True
        self._changed.set()

    async def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end of the stream."""
        while len(self._data) < size and not self._eof:
            self._release(0)
            self._changed.clear()
            await self._changed.wait()
        with memoryview(self._data) as view:
            taken = bytes(view[:size])
        del self._data[:size]
        self._release(len(self._data))
        return taken

    def _release(self, keep: int) -> None:
        """Give back the window for all but `keep` bytes."""
        if (over := self._unacked - keep) > 0:
            self._unacked -= over
            self._ack(over)

    def unacked_size(self) -> int:
        """Return what is still to be acknowledged, once."""
        left, self._unacked = self._unacked, 0
        return left


# A stream makes its buffer itself, from this name.
grpclib.protocol.Buffer = Buffer  # type: ignore[assignment,misc]


class _Processor(grpclib.protocol.EventsProcessor):
    """Ignores events nobody has asked for; counts those a flood is made of."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._second = 0
        self._counts: dict[type, int] = {}

    def process(self, event: Any) -> None:
        processors = getattr(self, "processors", None)
        if processors is None or type(event) not in processors:
            return
        if type(event) in _PER_S:
            self._count(type(event))
        super().process(event)

    def _count(self, kind: type) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second = second
            self._counts.clear()
        self._counts[kind] = self._counts.get(kind, 0) + 1
        if self._counts[kind] > _PER_S[kind]:
            raise ConnectionAbortedError(f"flood: {kind.__name__}")


class Protocol(grpclib.protocol.H2Protocol):
    """One accepted connection."""

    def __init__(self, handler: Any, config: Any, h2_config: Any, limits: Limits, accepted: Any) -> None:
        super().__init__(handler, config, h2_config)
        self._limits = limits
        self._accepted: weakref.WeakSet[Protocol] = accepted
        self._transport: Any = None
        self._idle: asyncio.TimerHandle | None = None
        self._active_at = 0.0

    def connection_made(self, transport: Any) -> None:
        tls = transport.get_extra_info("ssl_object")
        if len(self._accepted) >= self._limits.connections or (tls and tls.selected_alpn_protocol() != "h2"):
            transport.abort()
            return
        self._accepted.add(self)
        self._transport = transport
        super().connection_made(transport)
        self.connection._connection.update_settings(
            {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self._limits.streams}
        )
        self.connection.flush()
        self.processor = _Processor(self.handler, self.connection)
        self._watch_idle()

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self.connection.is_closing():
            return
        self._active_at = time.monotonic()
        try:
            for event in self.connection.feed(data):
                self.processor.process(event)
            if len(self.connection._connection.incoming_buffer._data) > _UNPARSED_BYTES:
                raise ConnectionAbortedError("a frame is longer than agreed")
        except Exception as error:
            # Whatever a peer sends that h2 can not make sense of is the peer's doing.
            _log.debug("connection ended: %s", error)
            self.disconnect("protocol error")
        else:
            if not self.connection.is_closing():
                self.connection.flush()
                if self._transport.get_write_buffer_size() > _BACKLOG_BYTES:
                    self._transport.abort()

    def disconnect(self, reason: str) -> None:
        """Send what is left to say, end the calls, close."""
        if self._transport is None or self.connection.is_closing():
            return
        with contextlib.suppress(Exception):
            self.connection.flush()
        self.processor.close(reason)
        # A peer that does not read would keep a closing connection for ever.
        asyncio.get_running_loop().call_later(_CLOSE_S, self._transport.abort)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._accepted.discard(self)
        if self._idle is not None:
            self._idle.cancel()
        if self._transport is not None:
            super().connection_lost(exc)

    def _watch_idle(self) -> None:
        if self._limits.idle_s is None:
            return
        if self._active_at and not self.processor.streams:
            left = self._active_at + self._limits.idle_s - time.monotonic()
        else:
            left = self._limits.idle_s
        if left <= 0:
            self.disconnect("idle")
            return
        self._active_at = self._active_at or time.monotonic()
        self._idle = asyncio.get_running_loop().call_later(left, self._watch_idle)


def problem(headers: Sequence[tuple[str, str]]) -> str | None:
    """Return what is wrong with the headers of a request, where grpclib would give no answer."""
    names = [name for name, _ in headers if name.startswith(":")]
    if len(names) != len(set(names)) or not {":method", ":path"} <= set(names):
        return "pseudo headers of the request are missing or doubled"
    try:
        grpclib.metadata.decode_metadata(headers)
    except ValueError:
        return "binary metadata is no base64"
    return None


class Handler(grpclib.server.Handler):
    """Starts a task for each request that can be understood."""

    def accept(self, stream: Any, headers: Any, release_stream: Callable[[], Any]) -> None:
        found = problem(headers)
        if found is None:
            super().accept(stream, headers, release_stream)
        else:
            self._tasks[stream] = self.loop.create_task(_refuse(stream, found, release_stream))


async def _refuse(stream: Any, text: str, release_stream: Callable[[], Any]) -> None:
    headers = [(":status", "200"), ("content-type", "application/grpc")]
    try:
        with contextlib.suppress(Exception):
            await stream.send_headers([*headers, ("grpc-status", _INVALID), ("grpc-message", text)], end_stream=True)
            if stream.closable:
                stream.reset_nowait()
    finally:
        release_stream()


class Budget:
    """Room for large messages that are on their way, shared by the calls of a server."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._freed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def reserve(self, size: int) -> Any:
        """Wait for `size` bytes of room and hold it."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._left >= size)
            self._left -= size
        try:
            yield
        finally:
            self._left += size
            async with self._freed:
                self._freed.notify_all()
