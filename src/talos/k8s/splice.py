"""Two TCP connections joined: what comes from one goes to the other, until both have ended.

Readiness callbacks and one buffer shared by all flows of a loop: an idle flow costs two sockets and one small object,
a stalled one holds at most one buffer and stops reading, so the sender feels it. Each side's end of stream is passed
on by itself (a half-closed connection keeps its other half).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

BUFFER_BYTES = 64 * 1024

_KEEPALIVE_IDLE_S = 4
_KEEPALIVE_INTERVAL_S = 1
_KEEPALIVE_PROBES = 3
_TCP_INFO = struct.Struct("=24xI28xI")  # tcp_info of linux/tcp.h: unacked, milliseconds since the last acknowledgement


class Flow:
    """One client joined to one upstream.

    `sent` is called when data went upstream, `done` once when the flow has ended.
    """

    __slots__ = ("_buffer", "_closed", "_done", "_down", "_loop", "_open", "_sent", "_silent_since", "_up")

    def __init__(
        self,
        client: socket.socket,
        upstream: socket.socket,
        buffer: memoryview,
        *,
        done: Callable[[Flow], None],
        sent: Callable[[Flow], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = buffer
        self._done = done
        self._sent = sent
        self._up = _Direction(client, upstream)
        self._down = _Direction(upstream, client)
        self._open = 2
        self._closed = False
        self._silent_since: float | None = None

    def start(self) -> None:
        """Begin to move bytes."""
        for direction in (self._up, self._down):
            self._loop.add_reader(direction.source, self._readable, direction)

    def silence_s(self) -> float | None:
        """How long the upstream has owed an acknowledgement without sending any; None when it owes nothing.

        Counted from the first call that found it owing: an old last acknowledgement alone says only that the
        connection was idle.
        """
        info = self._up.target.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        unacknowledged, last_ms = _TCP_INFO.unpack(info)
        now = self._loop.time()
        if not unacknowledged:
            self._silent_since = None
            return None
        if self._silent_since is None or now - last_ms / 1000 > self._silent_since:
            self._silent_since = now
        return now - self._silent_since

    def close(self) -> None:
        """End both connections now."""
        if self._closed:
            return
        self._closed = True
        for direction in (self._up, self._down):
            self._loop.remove_reader(direction.source)
            self._loop.remove_writer(direction.source)
            direction.source.close()
        self._done(self)

    def _readable(self, direction: _Direction) -> None:
        try:
            count = direction.source.recv_into(self._buffer)
            if count == 0:
                self._loop.remove_reader(direction.source)
                direction.target.shutdown(socket.SHUT_WR)
                self._ended()
                return
            sent = _send(direction.target, self._buffer[:count])
            if direction is self._up:
                self._sent(self)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.close()
            return
        if sent < count:
            direction.pending = bytes(self._buffer[sent:count])
            self._loop.remove_reader(direction.source)
            self._loop.add_writer(direction.target, self._writable, direction)

    def _writable(self, direction: _Direction) -> None:
        try:
            sent = _send(direction.target, direction.pending)
        except OSError:
            self.close()
            return
        direction.pending = direction.pending[sent:]
        if not direction.pending:
            self._loop.remove_writer(direction.target)
            self._loop.add_reader(direction.source, self._readable, direction)

    def _ended(self) -> None:
        self._open -= 1
        if self._open == 0:
            self.close()


class _Direction:
    __slots__ = ("pending", "source", "target")

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source = source
        self.target = target
        self.pending = b""


def _send(sock: socket.socket, data: memoryview | bytes) -> int:
    try:
        return sock.send(data)
    except (BlockingIOError, InterruptedError):
        return 0


def tune(sock: socket.socket) -> None:
    """No delay for small writes, and an idle peer that vanished is found within seven seconds."""
    for level, option, value in (
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL_S),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_PROBES),
    ):
        sock.setsockopt(level, option, value)
