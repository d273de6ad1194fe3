"""What probing of signatures is made of: the result, a reader with a cache, and decoding that knows its limits."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass

Reader = Callable[[int, int], bytes]
malformed = (struct.error, IndexError, ValueError, OverflowError)
"""What decoding raises for bytes that do not have the format."""

_AHEAD = 128 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """What is on a device. `block_size` is its smallest unit, `size` what the format says it takes; 0: it does not.

    `signatures` are (offset, length) of the magic bytes: wiping them makes the device look empty.
    """

    name: str
    label: str = ""
    uuid: str = ""
    block_size: int = 0
    filesystem_block_size: int = 0
    size: int = 0
    signatures: tuple[tuple[int, int], ...] = ()


class Window:
    """Reads of a device; its beginning is read once."""

    def __init__(self, read: Reader, size: int, sector_bytes: int = 512) -> None:
        self.read, self.size, self.sector_bytes = read, size, sector_bytes
        self._head = read(0, min(_AHEAD, size))

    def __call__(self, offset: int, length: int) -> bytes:
        """`length` bytes at `offset`. Raises ValueError when the device ends before."""
        if offset < 0 or offset + length > self.size:
            raise ValueError("beyond the end of the device")
        if offset + length <= len(self._head):
            return self._head[offset : offset + length]
        data = self.read(offset, length)
        if len(data) < length:
            raise ValueError("the device ends early")
        return data


def number(data: bytes, at: int, form: str) -> int:
    """One number, by its struct format."""
    return int(struct.unpack_from(form, data, at)[0])


def text(data: bytes) -> str:
    """A label: up to the first zero byte; what is no text is shown as such."""
    return data.split(b"\0", 1)[0].decode(errors="replace")


def uuid_text(data: bytes) -> str:
    """16 bytes as a UUID."""
    return str(uuid.UUID(bytes=data))
