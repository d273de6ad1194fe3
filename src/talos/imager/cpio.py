"""Writes cpio archives in the "newc" format, which the kernel unpacks as initramfs.

Format: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst. Everything belongs to root, times and
inode numbers are fixed, so the same entries give the same bytes.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_TRAILER = "TRAILER!!!"
_ALIGN = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One file. `mode` holds the type as stat(2) gives it; `data` is the content or the aim of a link."""

    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)


def folder(mode: int = 0o755) -> Entry:
    """A directory."""
    return Entry(stat.S_IFDIR | mode)


def file(data: bytes, mode: int = 0o644) -> Entry:
    """A regular file."""
    return Entry(stat.S_IFREG | mode, data)


def link(aim: str) -> Entry:
    """A symbolic link."""
    return Entry(stat.S_IFLNK | 0o777, aim.encode())


def character(major: int, minor: int, mode: int = 0o600) -> Entry:
    """A character device."""
    return Entry(stat.S_IFCHR | mode, device=(major, minor))


def _record(number: int, name: str, entry: Entry) -> bytes:
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    encoded = name.encode() + b"\0"
    fields = (number, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, *entry.device, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return head + bytes(-len(head) % _ALIGN) + entry.data + bytes(-len(entry.data) % _ALIGN)


def _with_parents(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    complete: dict[str, Entry] = {}
    for name in sorted(entries):
        parts = name.split("/")
        for depth in range(1, len(parts)):
            complete.setdefault("/".join(parts[:depth]), folder())
        complete[name] = entries[name]
    return complete


def chunks(entries: Mapping[str, Entry]) -> Iterator[bytes]:
    """The archive piece by piece; names are relative, missing parents are made."""
    for number, (name, entry) in enumerate(sorted(_with_parents(entries).items()), 1):
        yield _record(number, name, entry)
    yield _record(0, _TRAILER, Entry(0))


def archive(entries: Mapping[str, Entry]) -> bytes:
    """The whole archive."""
    return b"".join(chunks(entries))
