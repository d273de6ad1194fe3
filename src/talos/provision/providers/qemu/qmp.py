"""The machine protocol of QEMU (docs/interop/qmp-spec): JSON objects, a line each, over a stream we hold one end of.

The keeper is one loop without threads: a command waits for its answer, and what happens meanwhile is kept as events.
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Mapping
from typing import Any

from talos.base import errors

Object = Mapping[str, Any]


class Monitor:
    """One end of the protocol. Raises Permanent when QEMU refuses a command or is gone, TimedOut when it is silent."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket, self._rest = sock, b""
        self._socket.setblocking(False)
        self._events: list[Object] = []
        self.closed = False

    def fileno(self) -> int:
        """For poll."""
        return self._socket.fileno()

    def close(self) -> None:
        """Let go of the stream."""
        self._socket.close()

    def negotiate(self, timeout_s: float = 60.0) -> str:
        """Take the greeting and enter command mode; the version of QEMU."""
        deadline = time.monotonic() + timeout_s
        while "QMP" not in (greeting := self._next(deadline)):
            self._keep(greeting)
        self.execute("qmp_capabilities", timeout_s=timeout_s)
        found = greeting["QMP"]["version"]["qemu"]
        return f"{found['major']}.{found['minor']}.{found['micro']}"

    def execute(self, command: str, *, timeout_s: float = 20.0, **arguments: Any) -> Any:
        """Run a command and return its answer."""
        line = json.dumps({"execute": command, **({"arguments": arguments} if arguments else {})})
        try:
            self._socket.sendall(line.encode() + b"\n")
        except OSError as error:
            raise errors.Permanent(f"{command}: {error.strerror}") from error
        deadline = time.monotonic() + timeout_s
        while True:
            answer = self._next(deadline)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise errors.Permanent(f"{command}: {answer['error'].get('desc', 'refused')}")
            self._keep(answer)

    def events(self) -> list[Object]:
        """What has happened since the last call; never waits."""
        while (line := self._line()) is not None or self._read():
            if line is not None:
                self._keep(_parse(line))
        found, self._events = self._events, []
        return found

    def _keep(self, message: Object) -> None:
        if "event" in message:
            self._events.append(message)

    def _line(self) -> bytes | None:
        line, end, rest = self._rest.partition(b"\n")
        if not end:
            return None
        self._rest = rest
        return line

    def _read(self) -> bool:
        """Take what is there; False when that is nothing."""
        try:
            chunk = self._socket.recv(1 << 16)
        except BlockingIOError:
            return False
        except OSError:
            chunk = b""
        self._rest += chunk
        self.closed = self.closed or not chunk
        return bool(chunk)

    def _next(self, deadline: float) -> Object:
        while (line := self._line()) is None:
            if self._read():
                continue
            if self.closed:
                raise errors.Permanent("QEMU ended")
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._socket], [], [], left)[0]:
                raise errors.TimedOut("QEMU does not answer")
        return _parse(line)


def _parse(line: bytes) -> Object:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise errors.Permanent(f"QEMU sent what is no JSON: {line[:80]!r}") from error
    return found if isinstance(found, dict) else {}
