"""Swap areas: their header (linux/swap.h, union swap_header), made and read; swapon(2) and swapoff(2)."""

from __future__ import annotations

import os
import struct
import uuid as uuids
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors
from talos.linux._libc import check, libc

_PAGES = (4096, 8192, 16384, 32768, 65536)
_HEAD = struct.Struct("<III16s16s")
_HEAD_AT = 1024
_PREFER, _PRIORITY_MASK, _DISCARD = 0x8000, 0x7FFF, 0x10000
LABEL_BYTES = 16


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says; `last_page` is the number of the last page, the header being page 0."""

    page_bytes: int
    last_page: int
    uuid: str
    label: str


@dataclass(frozen=True, slots=True)
class Active:
    """One line of /proc/swaps."""

    device: str
    type: str
    size_bytes: int
    used_bytes: int
    priority: int


def parse(read: Callable[[int, int], bytes]) -> Header | None:
    """Read the header, None when there is none. `read` raises ValueError beyond the end."""
    for page in _PAGES:
        try:
            mark = read(page - 10, 10)
        except ValueError:
            return None
        if mark not in (b"SWAPSPACE2", b"SWAP-SPACE"):
            continue
        version, last, _, id, label = _HEAD.unpack(read(_HEAD_AT, _HEAD.size))
        if mark == b"SWAP-SPACE" or version != 1:
            return Header(page, 0, "", "")
        return Header(page, last, str(uuids.UUID(bytes=id)), label.split(b"\0", 1)[0].decode(errors="replace"))
    return None


def make(size_bytes: int, *, uuid: uuids.UUID, label: str = "", page_bytes: int = 4096) -> bytes:
    """Return the first page of an area of this size. Raises Invalid when it is too small or the label too long."""
    pages = size_bytes // page_bytes
    if pages < 10:
        raise errors.Invalid(f"{size_bytes} bytes are too few to page out to")
    name = label.encode()
    if len(name) > LABEL_BYTES:
        raise errors.Invalid(f"swap label {label!r} is longer than {LABEL_BYTES} bytes")
    page = bytearray(page_bytes)
    _HEAD.pack_into(page, _HEAD_AT, 1, pages - 1, 0, uuid.bytes, name)
    page[-10:] = b"SWAPSPACE2"
    return bytes(page)


def enable(path: str | os.PathLike[str], *, priority: int | None = None, discard: bool = False) -> None:
    """swapon(2). Raises OSError."""
    flags = _DISCARD if discard else 0
    if priority is not None:
        flags |= _PREFER | (priority & _PRIORITY_MASK)
    check(libc.swapon(os.fsencode(path), flags), os.fspath(path))


def disable(path: str | os.PathLike[str]) -> None:
    """swapoff(2): brings everything back to memory first. Raises OSError."""
    check(libc.swapoff(os.fsencode(path)), os.fspath(path))


def active(proc: Path = Path("/proc")) -> list[Active]:
    """Areas in use."""
    try:
        lines = (proc / "swaps").read_text().splitlines()[1:]
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        fields = line.split()
        if len(fields) >= 5:
            device, kind, size, used, priority = fields[:5]
            name = device.replace("\\040", " ")
            found.append(Active(name, kind, int(size) * 1024, int(used) * 1024, int(priority)))
    return found
