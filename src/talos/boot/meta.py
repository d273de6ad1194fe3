"""META: a partition of 1 MiB that keeps a few values across boots, upgrades and the loss of every other partition.

    0          256 KiB     512 KiB                      end - 1 KiB
    ├─ copy 1 ─┼─ copy 2 ──┤          unused            ├ legacy, 2 × 512 bytes ┤

A copy (go-adv, numbers big-endian): magic, then entries of tag, size and value up to a tag 0; at its end SHA-256 of the
copy with the checksum's place zeroed, and a second magic. The legacy vector at the end of the partition is that of
syslinux: entries of one byte tag and one byte size; early releases wrote it and its values are still found.

A write replaces one copy after the other, each on the disk before the next is touched, and begins with the copy that
was not the one read: at every moment one of them is whole, either as it was before or as it is to be.
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import hashlib
import os
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from talos.base import errors

COPY_BYTES = 256 * 1024
LEGACY_BYTES = 512
CAPACITY_BYTES = COPY_BYTES - 40
_HEAD, _TAIL = b"\x5a\x4b\x3c\x2d", b"\xa5\xb4\xc3\xd2"
_ENTRY = struct.Struct(">II")
_SUM = slice(COPY_BYTES - 36, COPY_BYTES - 4)
_LEGACY_HEAD, _LEGACY_TAIL, _LEGACY_SUM = 0x5A2D2FA5, 0xDD28BF64, 0xA3041767
_LEGACY_WORDS = struct.Struct(f"<{(LEGACY_BYTES - 12) // 4}I")


class Tag(enum.IntEnum):
    """What the keys mean; any other from 1 to 255 may be used, too."""

    UPGRADE = 0x06
    STAGED_UPGRADE_IMAGE = 0x07
    STAGED_UPGRADE_OPTIONS = 0x08
    STATE_ENCRYPTION = 0x09
    NETWORK_PLATFORM_CONFIG = 0x0A
    DOWNLOAD_URL_CODE = 0x0B
    USER_1 = 0x0C
    USER_2 = 0x0D
    USER_3 = 0x0E
    UUID_OVERRIDE = 0x0F
    UNIQUE_MACHINE_TOKEN = 0x10
    DISK_IMAGE_BOOTLOADER = 0x11


def resource_id(tag: int) -> str:
    """The id of a tag's MetaKey resource: `0x0a`."""
    return f"0x{tag:02x}"


def encode(values: Mapping[int, bytes]) -> bytes:
    """Return one copy. Raises Invalid for a key that is no byte, or when the values do not fit."""
    if wrong := [tag for tag in values if not 0 < tag < 256]:
        raise errors.Invalid(f"META key {wrong[0]} is not between 1 and 255")
    body = b"".join(_ENTRY.pack(tag, len(value)) + value for tag, value in sorted(values.items()))
    if len(body) > CAPACITY_BYTES:
        raise errors.Invalid(f"META holds {CAPACITY_BYTES} bytes; these values take {len(body)}")
    copy = bytearray((_HEAD + body).ljust(COPY_BYTES - 4, b"\0") + _TAIL)
    copy[_SUM] = hashlib.sha256(copy).digest()
    return bytes(copy)


def decode(copy: bytes) -> dict[int, bytes] | None:
    """Return the values of one copy, None when it is not whole."""
    if len(copy) != COPY_BYTES or copy[:4] != _HEAD or copy[-4:] != _TAIL:
        return None
    blank = copy[: _SUM.start] + bytes(32) + copy[_SUM.stop :]
    if hashlib.sha256(blank).digest() != copy[_SUM]:
        return None
    values: dict[int, bytes] = {}
    at, end = 4, _SUM.start
    while at + _ENTRY.size <= end:
        tag, size = _ENTRY.unpack_from(copy, at)
        if tag == 0:
            break
        at += _ENTRY.size
        if size > end - at:
            return None
        values[tag & 0xFF] = copy[at : at + size]
        at += size
    return values


def decode_legacy(data: bytes) -> dict[int, bytes]:
    """Return the values of the two legacy copies: of the first that is whole, none when neither is."""
    for start in (0, LEGACY_BYTES):
        copy = data[start : start + LEGACY_BYTES]
        if (values := _legacy_copy(copy)) is not None:
            return values
    return {}


def _legacy_copy(copy: bytes) -> dict[int, bytes] | None:
    if len(copy) != LEGACY_BYTES:
        return None
    head, total = struct.unpack_from("<II", copy)
    (tail,) = struct.unpack_from("<I", copy, LEGACY_BYTES - 4)
    words = _LEGACY_WORDS.unpack_from(copy, 8)
    if head != _LEGACY_HEAD or tail != _LEGACY_TAIL or (total + sum(words) - _LEGACY_SUM) & 0xFFFFFFFF:
        return None
    values: dict[int, bytes] = {}
    at, end = 8, LEGACY_BYTES - 4
    while at + 2 <= end and copy[at]:
        tag, size = copy[at], copy[at + 1]
        if at + 2 + size > end:
            return None
        values[tag] = copy[at + 2 : at + 2 + size]
        at += 2 + size
    return values


def encode_legacy(values: Mapping[int, bytes]) -> bytes:
    """Return both legacy copies. Raises Invalid when the values do not fit."""
    room = LEGACY_BYTES - 12
    if any(len(value) > 255 for value in values.values()) or sum(len(v) + 2 for v in values.values()) > room:
        raise errors.Invalid("the values do not fit a legacy vector")
    body = b"".join(bytes((tag, len(value))) + value for tag, value in sorted(values.items())).ljust(room, b"\0")
    total = (_LEGACY_SUM - sum(_LEGACY_WORDS.unpack(body))) & 0xFFFFFFFF
    copy = struct.pack("<II", _LEGACY_HEAD, total) + body + struct.pack("<I", _LEGACY_TAIL)
    return copy + copy


@dataclass(frozen=True, slots=True)
class Content:
    """What a partition holds. `whole`: number (0 or 1) of the copy the values are from, None when there was none."""

    values: dict[int, bytes]
    legacy: dict[int, bytes]
    whole: int | None

    def merged(self) -> dict[int, bytes]:
        """All values; a legacy one counts where there is no other."""
        return {**self.legacy, **self.values}


def parse(data: bytes) -> Content:
    """Read a whole partition; one that was never written has no values."""
    legacy = decode_legacy(data[-2 * LEGACY_BYTES :])
    for number in (0, 1):
        if (values := decode(data[number * COPY_BYTES : (number + 1) * COPY_BYTES])) is not None:
            return Content(values, legacy, number)
    return Content({}, legacy, None)


def steps(before: Content, values: Mapping[int, bytes], size_bytes: int) -> list[tuple[int, bytes]]:
    """Return (offset, data) of the writes that make `values` the content, in their order.

    Raises Invalid as `encode` does, and for a partition that is too small.
    """
    if size_bytes < 2 * COPY_BYTES + 2 * LEGACY_BYTES:
        raise errors.Invalid(f"a META partition of {size_bytes} bytes is too small")
    copy = encode(values)
    order = (0, 1) if before.whole == 1 else (1, 0)
    writes = [(number * COPY_BYTES, copy) for number in order]
    kept = {tag: value for tag, value in before.legacy.items() if values.get(tag) == value}
    if kept != before.legacy:
        # What was deleted or replaced must not come back from there, nor be found by an early release.
        writes.append((size_bytes - 2 * LEGACY_BYTES, encode_legacy(kept)))
    return writes


@dataclass
class Partition:
    """META on a block device, or in a file. Every change is on the disk when the call returns."""

    path: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def _open(self, flags: int) -> Iterator[int]:
        with self._lock:
            fd = os.open(self.path, flags | os.O_CLOEXEC)
            try:
                # The installer is another process.
                fcntl.flock(fd, fcntl.LOCK_EX)
                yield fd
            finally:
                os.close(fd)

    def read(self) -> dict[int, bytes]:
        """Return all values. Raises OSError."""
        with self._open(os.O_RDONLY) as fd:
            return parse(_all(fd)).merged()

    def update(self, changes: Mapping[int, bytes | None]) -> dict[int, bytes]:
        """Set values, and delete those that are None; returns what is there now. Raises Invalid, OSError."""
        with self._open(os.O_RDWR) as fd:
            data = _all(fd)
            before = parse(data)
            values = before.merged()
            for tag, value in changes.items():
                if value is None:
                    values.pop(tag, None)
                else:
                    values[tag] = value
            if values != before.values or before.whole is None:
                for offset, piece in steps(before, values, len(data)):
                    _write(fd, piece, offset)
                    os.fsync(fd)
            return values

    def erase(self) -> None:
        """Leave an empty META behind. Raises OSError."""
        with self._open(os.O_RDWR) as fd:
            size = os.lseek(fd, 0, os.SEEK_END)
            for offset, piece in ((COPY_BYTES, encode({})), (0, encode({})), (size - 2 * LEGACY_BYTES, bytes(1024))):
                _write(fd, piece, offset)
                os.fsync(fd)


def _all(fd: int) -> bytes:
    size = os.lseek(fd, 0, os.SEEK_END)
    pieces, at = [], 0
    while at < size and (piece := os.pread(fd, size - at, at)):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)


def _write(fd: int, data: bytes, offset: int) -> None:
    while data:
        done = os.pwrite(fd, data, offset)
        data, offset = data[done:], offset + done
