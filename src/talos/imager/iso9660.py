"""An ISO image that UEFI boots from a CD as from a USB stick.

    0        protective MBR, GPT            the file on a USB stick: one EFI system partition
    32 KiB   volume and boot descriptors    the file on a CD: ISO 9660 with El Torito, which names the same bytes
    1 MiB    EFI system partition (FAT32)   also the file EFI.IMG of the ISO
    end      the GPT's second copy

Formats: ECMA-119; "El Torito" Bootable CD-ROM Format Specification 1.0; UEFI 2.10, section 13.3.
"""

from __future__ import annotations

import datetime
import struct
from dataclasses import dataclass

from talos.base import errors
from talos.imager import tarlayer

SECTOR = 2048
_DESCRIPTORS, _CATALOGUE, _PATHS_LITTLE, _PATHS_BIG, _ROOT = 16, 19, 20, 21, 22
FIRST_FREE = 23
_FILE = b"EFI.IMG;1"
_MAX_FILE = (1 << 32) - SECTOR
_MOMENT = datetime.datetime.fromtimestamp(tarlayer.EPOCH, datetime.UTC)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where things are; bytes."""

    label: str
    partition_at: int
    partition_bytes: int
    total_bytes: int


def _both32(value: int) -> bytes:
    return struct.pack("<I", value) + struct.pack(">I", value)


def _both16(value: int) -> bytes:
    return struct.pack("<H", value) + struct.pack(">H", value)


def _record(name: bytes, at: int, size: int, *, folder: bool) -> bytes:
    """A directory record (ECMA-119, 9.1); `at` in sectors."""
    m = _MOMENT
    moment = bytes((m.year - 1900, m.month, m.day, m.hour, m.minute, m.second, 0))
    body = _both32(at) + _both32(size) + moment + bytes((2 if folder else 0, 0, 0)) + _both16(1)
    body += bytes((len(name),)) + name + (b"" if len(name) % 2 else b"\0")
    return bytes((len(body) + 2, 0)) + body


def _text(value: str, length: int) -> bytes:
    return value.encode("ascii").ljust(length)[:length]


def _primary(plan: Plan, path_bytes: int) -> bytes:
    """The primary volume descriptor (ECMA-119, 8.4)."""
    created = (_MOMENT.strftime("%Y%m%d%H%M%S") + "00").encode() + b"\0"
    never = b"0" * 16 + b"\0"
    return b"".join(
        (
            b"\1CD001\1\0", _text("", 32), _text(plan.label, 32), bytes(8), _both32(plan.total_bytes // SECTOR),
            bytes(32), _both16(1), _both16(1), _both16(SECTOR), _both32(path_bytes),
            struct.pack("<II", _PATHS_LITTLE, 0), struct.pack(">II", _PATHS_BIG, 0),
            _record(b"\0", _ROOT, SECTOR, folder=True),
            _text("", 128), _text("", 128), _text("", 128), _text("PYTALOS IMAGER", 128),
            _text("", 37), _text("", 37), _text("", 37), created, created, never, created, b"\1\0",
        )
    ).ljust(SECTOR, b"\0")  # fmt: skip


def _catalogue(at: int) -> bytes:
    """The boot catalogue: one entry, for UEFI, without emulation."""
    validation = bytearray(struct.pack("<BBH24sHBB", 1, 0xEF, 0, b"PyTalos", 0, 0x55, 0xAA))
    struct.pack_into("<H", validation, 28, -sum(struct.unpack("<16H", validation)) & 0xFFFF)
    # The field for its length holds 32 MiB at most; 0 means everything up to the end (UEFI 2.10, 13.3.2.1).
    entry = struct.pack("<BBHBBHI", 0x88, 0, 0, 0, 0, 0, at)
    return (bytes(validation) + entry).ljust(SECTOR, b"\0")


def layout(plan: Plan) -> list[tuple[int, bytes]]:
    """(byte offset, content) of everything but GPT and partition; pure. Raises Invalid for what does not fit."""
    if plan.partition_at % SECTOR or plan.partition_at < FIRST_FREE * SECTOR or plan.total_bytes % SECTOR:
        raise errors.Invalid(f"the partition at {plan.partition_at} does not begin at a free sector")
    if plan.partition_bytes > _MAX_FILE:
        raise errors.Invalid(f"a file of an ISO image has at most {_MAX_FILE} bytes, not {plan.partition_bytes}")
    at = plan.partition_at // SECTOR
    little = struct.pack("<BBIH", 1, 0, _ROOT, 1) + b"\0\0"
    big = struct.pack(">BBIH", 1, 0, _ROOT, 1) + b"\0\0"
    boot = (b"\0CD001\1" + b"EL TORITO SPECIFICATION".ljust(64, b"\0") + struct.pack("<I", _CATALOGUE)).ljust(
        SECTOR, b"\0"
    )
    root = _record(b"\0", _ROOT, SECTOR, folder=True) + _record(b"\1", _ROOT, SECTOR, folder=True)
    root += _record(_FILE, at, plan.partition_bytes, folder=False)
    sectors = {
        _DESCRIPTORS: _primary(plan, len(little)),
        _DESCRIPTORS + 1: boot,
        _DESCRIPTORS + 2: b"\xffCD001\1".ljust(SECTOR, b"\0"),
        _CATALOGUE: _catalogue(at),
        _PATHS_LITTLE: little.ljust(SECTOR, b"\0"),
        _PATHS_BIG: big.ljust(SECTOR, b"\0"),
        _ROOT: root.ljust(SECTOR, b"\0"),
    }
    return [(number * SECTOR, content) for number, content in sectors.items()]
