"""Service logs: one bounded ring of bytes per id, readable with tail and follow, persisted to files.

Services write to FIFOs that both sides open read-write: neither a dead reader nor a dead writer ends the other. The
FIFO of a running service outlives machined; a new LogStore finds it, goes on reading where the pipe stands and takes
what was persisted before as the beginning of its ring.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import fcntl
import logging
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

from talos.base import errors, tasks

RING_BYTES = 1024 * 1024
ROTATE_BYTES = 5 * 1024 * 1024
FLUSH_S = 1.0
_PIPE_BYTES = 1024 * 1024
_CHUNK_BYTES = 32 * 1024
_PRELOAD_BYTES = 256 * 1024
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_log = logging.getLogger("supervisor.logs")


class Ring:
    """The last bytes written. Positions are absolute: bytes since the beginning of time."""

    def __init__(self, limit_bytes: int = RING_BYTES) -> None:
        self._limit = limit_bytes
        self._chunks: collections.deque[bytearray] = collections.deque()
        self._size = 0
        self.end = 0
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def start(self) -> int:
        """Position of the oldest byte kept."""
        return self.end - self._size

    def write(self, data: bytes) -> None:
        """Append; the oldest chunks go when the limit is passed."""
        for offset in range(0, len(data), _CHUNK_BYTES):
            piece = data[offset : offset + _CHUNK_BYTES]
            if self._chunks and len(self._chunks[-1]) + len(piece) <= _CHUNK_BYTES:
                self._chunks[-1] += piece
            else:
                self._chunks.append(bytearray(piece))
        self._size += len(data)
        self.end += len(data)
        while self._size > self._limit and len(self._chunks) > 1:
            self._size -= len(self._chunks.popleft())
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def read(self, position: int) -> bytes:
        """Return everything from `position` on (or from the oldest byte, if that is gone)."""
        skip = max(position, self.start) - self.start
        parts: list[bytes] = []
        for chunk in self._chunks:
            if skip < len(chunk):
                parts.append(bytes(chunk[skip:]))
            skip = max(0, skip - len(chunk))
        return b"".join(parts)

    def tail(self, lines: int) -> int:
        """Return the position where the last `lines` lines begin; the start when negative."""
        if lines < 0:
            return self.start
        if lines == 0:
            return self.end
        data = self.read(self.start)
        # The line feed that ends the last line does not begin another one.
        cut = len(data) - (1 if data.endswith(b"\n") else 0)
        for _ in range(lines):
            cut = data.rfind(b"\n", 0, cut)
            if cut < 0:
                return self.start
        return self.start + cut + 1

    def prepend(self, data: bytes) -> None:
        """Put older bytes before what is kept, as far as the limit allows."""
        room = max(0, self._limit - self._size)
        if room and data:
            kept = bytearray(data[-room:])
            self._chunks.appendleft(kept)
            self._size += len(kept)

    async def wait(self) -> None:
        """Return at the next write."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)


class _Persister:
    """Appends one log to its file and rotates it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending = bytearray()

    def add(self, data: bytes) -> None:
        self._pending += data
        if len(self._pending) > RING_BYTES:
            # The disk does not take it; keep the newest.
            del self._pending[: -RING_BYTES // 2]

    def flush(self) -> None:
        if not self._pending:
            return
        with self._path.open("ab") as target:
            size = target.tell()
            target.write(self._pending)
        size += len(self._pending)
        self._pending.clear()
        if size > ROTATE_BYTES:
            self._path.replace(self._path.with_name(self._path.name + ".1"))


class LogStore:
    """All logs of the node, by service id."""

    def __init__(self, fifo_dir: Path, ring_bytes: int = RING_BYTES) -> None:
        self._fifo_dir = fifo_dir
        self._ring_bytes = ring_bytes
        self._rings: dict[str, Ring] = {}
        self._fifos: dict[str, int] = {}
        # An earlier machined of this boot has left its FIFOs: its logs are the beginning of ours.
        self._resumes = fifo_dir.is_dir() and any(fifo_dir.iterdir())
        self._persisters: dict[str, _Persister] = {}
        self._directory: Path | None = None
        self._tasks = tasks.Owner("logs")

    def ids(self) -> list[str]:
        """Return the ids of all logs, sorted."""
        return sorted(self._rings)

    def ring(self, id: str) -> Ring:
        """Return the ring of an id, made at first use. Raises Invalid for an id that is no file name."""
        found = self._rings.get(id)
        if found is None:
            if not _ID.fullmatch(id):
                raise errors.Invalid(f"log id {id!r} is not valid")
            found = self._rings[id] = Ring(self._ring_bytes)
            self._attach_file(id)
        return found

    def write(self, id: str, data: bytes) -> None:
        """Append to a log."""
        self.ring(id).write(data)
        persister = self._persisters.get(id)
        if persister is not None:
            persister.add(data)

    def fifo(self, id: str) -> Path:
        """Return the FIFO whose data goes to the log `id`; it is made and read from now on. Raises OSError."""
        path = self._fifo_dir / id
        if id in self._fifos:
            return path
        self._fifo_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            os.mkfifo(path, 0o600)
        self.ring(id)
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._fifos[id] = fd
        asyncio.get_running_loop().add_reader(fd, self._readable, id, fd)
        return path

    def _readable(self, id: str, fd: int) -> None:
        try:
            data = os.read(fd, 1 << 16)
        except BlockingIOError:
            return
        except OSError as error:
            _log.error("log %s: %s", id, error)
            asyncio.get_running_loop().remove_reader(fd)
            return
        self.write(id, data)

    async def read(self, id: str, *, tail_lines: int = -1, follow: bool = False) -> AsyncIterator[bytes]:
        """Yield the log from `tail_lines` before its end (negative: all); with `follow` go on until closed.

        Raises NotFound for an unknown id.
        """
        ring = self._rings.get(id)
        if ring is None:
            raise errors.NotFound(f"log {id!r} was not registered")
        position = ring.tail(tail_lines)
        while True:
            data = ring.read(position)
            position = ring.end
            if data:
                yield data
            if not follow:
                return
            if position == ring.end:
                await ring.wait()

    def persist(self, directory: Path) -> None:
        """Append to `<directory>/<id>.log` from now on; what is in the rings goes first. Raises OSError."""
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        for known in list(self._rings):
            self._attach_file(known)
        self._tasks.spawn(self._flush_loop(), "flush")

    def _attach_file(self, id: str) -> None:
        if self._directory is None or id in self._persisters:
            return
        ring, path = self._rings[id], self._directory / f"{id}.log"
        so_far = ring.read(ring.start)
        if self._resumes:
            # What an earlier machined persisted comes before what was read since.
            ring.prepend(_last_bytes(path))
        persister = self._persisters[id] = _Persister(path)
        persister.add(so_far)

    async def _flush_loop(self) -> None:
        failed = False
        while True:
            await asyncio.sleep(FLUSH_S)
            error = self.flush()
            if error is not None and not failed:
                _log.warning("logs cannot be persisted: %s", error)
            failed = error is not None

    def flush(self) -> OSError | None:
        """Write what is pending; returns the last error instead of raising, the data is kept for the next time."""
        last: OSError | None = None
        for persister in self._persisters.values():
            try:
                persister.flush()
            except OSError as error:
                last = error
        return last

    async def stop_persisting(self) -> None:
        """Write what is pending and leave the files alone from now on (before /var is unmounted)."""
        await self._tasks.close()
        self._tasks = tasks.Owner("logs")
        self.flush()
        self._persisters.clear()
        self._directory = None

    async def close(self) -> None:
        """Write what is pending, stop reading; the FIFOs stay for the next LogStore."""
        await self.stop_persisting()
        loop = asyncio.get_running_loop()
        for fd in self._fifos.values():
            loop.remove_reader(fd)
            os.close(fd)
        self._fifos.clear()


def _last_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as source:
            source.seek(max(0, path.stat().st_size - _PRELOAD_BYTES))
            return source.read()
    except OSError:
        return b""


class Handler(logging.Handler):
    """Sends Python log records to one log of the store."""

    def __init__(self, store: LogStore, id: str) -> None:
        super().__init__()
        self._store, self._id = store, id

    def emit(self, record: logging.LogRecord) -> None:
        """Write the formatted record as one line."""
        try:
            self._store.write(self._id, self.format(record).encode(errors="replace") + b"\n")
        except Exception:
            self.handleError(record)
