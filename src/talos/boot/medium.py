"""A window of a block device or file: what the writers of file systems and tables work on."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Protocol

from talos.base import errors


class Medium(Protocol):
    """Bytes that are read and written in place. Every method may raise OSError."""

    @property
    def size_bytes(self) -> int:
        """Length."""

    def pread(self, offset: int, length: int) -> bytes:
        """Return bytes from `offset`; fewer at the end."""

    def pwrite(self, offset: int, data: bytes) -> None:
        """Write all of `data` at `offset`."""

    def sync(self) -> None:
        """Return when everything written is on the disk."""


@dataclass(slots=True)
class Window:
    """`size_bytes` of an open descriptor from `start` on. It can not be left: writes beyond its end are refused."""

    fd: int
    start: int
    size_bytes: int

    def pread(self, offset: int, length: int) -> bytes:
        """See Medium."""
        length = max(0, min(length, self.size_bytes - offset))
        pieces = []
        while length and (piece := os.pread(self.fd, length, self.start + offset)):
            pieces.append(piece)
            offset, length = offset + len(piece), length - len(piece)
        return b"".join(pieces)

    def pwrite(self, offset: int, data: bytes) -> None:
        """See Medium. Raises Invalid for a write that leaves the window."""
        if offset < 0 or offset + len(data) > self.size_bytes:
            raise errors.Invalid(f"write of {len(data)} bytes at {offset} leaves a window of {self.size_bytes}")
        view = memoryview(data)
        while view:
            done = os.pwrite(self.fd, view, self.start + offset)
            offset, view = offset + done, view[done:]

    def sync(self) -> None:
        """See Medium."""
        os.fdatasync(self.fd)


@dataclass(slots=True)
class Memory:
    """A medium in memory that remembers its writes, grouped by the syncs between them."""

    content: bytearray
    writes: list[tuple[int, bytes] | None] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        """Length."""
        return len(self.content)

    def pread(self, offset: int, length: int) -> bytes:
        """See Medium."""
        return bytes(self.content[offset : offset + length])

    def pwrite(self, offset: int, data: bytes) -> None:
        """See Medium."""
        if offset < 0 or offset + len(data) > len(self.content):
            raise errors.Invalid("write outside of the medium")
        self.content[offset : offset + len(data)] = data
        self.writes.append((offset, bytes(data)))

    def sync(self) -> None:
        """See Medium; `None` in `writes` stands for it."""
        self.writes.append(None)
