"""GUID partition tables as data: `parse` and `layout` turn bytes into a table and back, and touch no device.

Format: UEFI specification 2.10, chapter 5. A disk holds the table twice; `read` takes the second copy when the first is
damaged, so that an interrupted write leaves a readable disk. Writers put the backup down first for the same reason.
"""

from __future__ import annotations

import itertools
import struct
import uuid
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from talos.base import errors

EFI_SYSTEM = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
LINUX_DATA = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
LINUX_SWAP = uuid.UUID("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f")
BIOS_BOOT = uuid.UUID("21686148-6449-6e6f-744e-656564454649")

ENTRIES = 128
ALIGNMENT_BYTES = 1 << 20
LABEL_UNITS = 36

_SIGNATURE, _REVISION = b"EFI PART", 0x10000
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_ENTRY = struct.Struct("<16s16sQQQ72s")
_MBR_PARTITION = struct.Struct("<B3sB3sII")
_UNUSED = bytes(16)
_MAX_ENTRIES = 1024


@dataclass(frozen=True, slots=True)
class Partition:
    """One entry. Sectors are counted in the disk's own sector size; `last` belongs to the partition."""

    number: int
    type: uuid.UUID
    id: uuid.UUID
    first: int
    last: int
    label: str = ""
    attributes: int = 0

    @property
    def sectors(self) -> int:
        """Length."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Table:
    """A disk's partitions in the order of their numbers."""

    disk_id: uuid.UUID
    sectors: int
    sector_bytes: int
    partitions: tuple[Partition, ...]

    @property
    def first_usable(self) -> int:
        """First sector a partition may have, aligned."""
        return max(ALIGNMENT_BYTES // self.sector_bytes, 2 + _entry_sectors(self.sector_bytes))

    @property
    def last_usable(self) -> int:
        """Last sector a partition may have."""
        return self.sectors - 2 - _entry_sectors(self.sector_bytes)

    def free(self) -> list[tuple[int, int]]:
        """Gaps (first, last sector) in which an aligned partition fits."""
        step = ALIGNMENT_BYTES // self.sector_bytes
        gaps, at = [], self.first_usable
        for part in sorted(self.partitions, key=lambda p: p.first):
            gaps.append((at, part.first - 1))
            at = max(at, -(-(part.last + 1) // step) * step)
        gaps.append((at, self.last_usable))
        return [(first, last) for first, last in gaps if last - first + 1 >= step]

    def add(
        self, type: uuid.UUID, id: uuid.UUID, label: str, size_bytes: int | None, *, number: int | None = None
    ) -> Table:
        """The table with one more partition in the first gap that takes it; `None`: all of the largest gap.

        Raises `Conflict` when it does not fit, `Invalid` for a label that is too long.
        """
        if len(label.encode("utf-16-le")) > 2 * LABEL_UNITS:
            raise errors.Invalid(f"partition label {label!r} is longer than {LABEL_UNITS} characters")
        step = ALIGNMENT_BYTES // self.sector_bytes
        gaps = self.free()
        if size_bytes is None:
            gap = max(gaps, key=lambda g: g[1] - g[0], default=None)
            wanted = 0 if gap is None else (gap[1] - gap[0] + 1) // step * step
        else:
            wanted = -(-size_bytes // ALIGNMENT_BYTES) * step
            gap = next((g for g in gaps if g[1] - g[0] + 1 >= wanted), None)
        used = {p.number for p in self.partitions}
        free_number = number or next((n for n in range(1, ENTRIES + 1) if n not in used), 0)
        if gap is None or not free_number or free_number in used:
            raise errors.Conflict(f"no room for partition {label!r}")
        part = Partition(free_number, type, id, gap[0], gap[0] + wanted - 1, label)
        return replace(self, partitions=tuple(sorted((*self.partitions, part), key=lambda p: p.number)))

    def remove(self, number: int) -> Table:
        """The table without a partition."""
        return replace(self, partitions=tuple(p for p in self.partitions if p.number != number))

    def resized(self, sectors: int) -> Table:
        """The table on a disk that has grown."""
        return replace(self, sectors=sectors)


def _entry_sectors(sector_bytes: int) -> int:
    return -(-ENTRIES * _ENTRY.size // sector_bytes)


def empty(disk_id: uuid.UUID, size_bytes: int, sector_bytes: int = 512) -> Table:
    """A table without partitions."""
    return Table(disk_id, size_bytes // sector_bytes, sector_bytes, ())


def check(table: Table) -> None:
    """Raise `Invalid` for partitions that overlap, lie outside the disk, or share a number or GUID."""
    ordered = sorted(table.partitions, key=lambda p: p.first)
    # What others wrote need not be aligned, but must leave the tables alone.
    lowest, highest = 2 + _entry_sectors(table.sector_bytes), table.last_usable
    problems = [
        errors.Problem("outside of the disk", f"partition {part.number}")
        for part in ordered
        if not lowest <= part.first <= part.last <= highest
    ]
    problems += [
        errors.Problem(f"overlaps partition {one.number}", f"partition {other.number}")
        for one, other in itertools.pairwise(ordered)
        if other.first <= one.last
    ]
    if len({p.number for p in ordered}) < len(ordered) or len({p.id for p in ordered}) < len(ordered):
        problems.append(errors.Problem("numbers and GUIDs must be unique", "partitions"))
    if problems:
        raise errors.Invalid(problems)


def _pack_entries(table: Table) -> bytes:
    packed = bytearray(ENTRIES * _ENTRY.size)
    for p in table.partitions:
        label = p.label.encode("utf-16-le").ljust(2 * LABEL_UNITS, b"\0")
        _ENTRY.pack_into(
            packed,
            (p.number - 1) * _ENTRY.size,
            p.type.bytes_le,
            p.id.bytes_le,
            p.first,
            p.last,
            p.attributes,
            label,
        )
    return bytes(packed)


def _pack_header(table: Table, entries: bytes, own: int, other: int, entries_at: int) -> bytes:
    def header(crc: int) -> bytes:
        return _HEADER.pack(
            _SIGNATURE,
            _REVISION,
            _HEADER.size,
            crc,
            0,
            own,
            other,
            2 + _entry_sectors(table.sector_bytes),
            table.last_usable,
            table.disk_id.bytes_le,
            entries_at,
            ENTRIES,
            _ENTRY.size,
            zlib.crc32(entries),
        )

    return header(zlib.crc32(header(0))).ljust(table.sector_bytes, b"\0")


def _protective_mbr(table: Table) -> bytes:
    size = min(table.sectors - 1, 0xFFFFFFFF)
    record = _MBR_PARTITION.pack(0, b"\x00\x02\x00", 0xEE, b"\xff\xff\xff", 1, size)
    return (bytes(446) + record + bytes(48) + b"\x55\xaa").ljust(table.sector_bytes, b"\0")


def layout(table: Table) -> list[tuple[int, bytes]]:
    """(byte offset, content) of everything to write, in the order to write it. Raises `Invalid` as `check` does."""
    check(table)
    size, last = table.sector_bytes, table.sectors - 1
    entries = _pack_entries(table)
    backup_entries = last - _entry_sectors(size)
    padded = entries.ljust(_entry_sectors(size) * size, b"\0")
    return [
        (backup_entries * size, padded),
        (last * size, _pack_header(table, entries, last, 1, backup_entries)),
        (0, _protective_mbr(table)),
        (2 * size, padded),
        (size, _pack_header(table, entries, 1, last, 2)),
    ]


def _read_at(read: Callable[[int, int], bytes], at: int, sectors: int, sector_bytes: int) -> Table | None:
    raw = read(at * sector_bytes, sector_bytes)
    if len(raw) < _HEADER.size or raw[:8] != _SIGNATURE:
        return None
    fields = _HEADER.unpack_from(raw)
    length, crc, own, disk = fields[2], fields[3], fields[5], fields[9]
    entries_at, count, entry_size, entries_crc = fields[10:14]
    if not _HEADER.size <= length <= sector_bytes or own != at:
        return None
    if zlib.crc32(raw[:16] + bytes(4) + raw[20:length]) != crc:
        return None
    if entry_size < _ENTRY.size or entry_size % 8 or not 0 < count <= _MAX_ENTRIES:
        return None
    entries = read(entries_at * sector_bytes, count * entry_size)
    if len(entries) != count * entry_size or zlib.crc32(entries) != entries_crc:
        return None
    parts = []
    for index in range(count):
        kind, own_id, first, last, attributes, label = _ENTRY.unpack_from(entries, index * entry_size)
        if kind != _UNUSED:
            text = label.decode("utf-16-le", errors="replace").split("\0", 1)[0]
            parts.append(
                Partition(
                    index + 1,
                    uuid.UUID(bytes_le=kind),
                    uuid.UUID(bytes_le=own_id),
                    first,
                    last,
                    text,
                    attributes,
                )
            )
    return Table(uuid.UUID(bytes_le=disk), sectors, sector_bytes, tuple(parts))


def read(pread: Callable[[int, int], bytes], size_bytes: int, sector_bytes: int = 512) -> Table | None:
    """The table of a disk, from the first copy or the backup; None when neither is intact.

    `pread(offset, length)` returns fewer bytes at the disk's end. The backup of a disk that has grown is not at its end
    any more; the first copy then still is.
    """
    sectors = size_bytes // sector_bytes
    if sectors < 3:
        return None
    for at in (1, sectors - 1):
        if (found := _read_at(pread, at, sectors, sector_bytes)) is not None:
            return found
    return None


def parse(data: bytes, sector_bytes: int = 512) -> Table | None:
    """`read` of a whole disk in memory."""
    return read(lambda offset, length: data[offset : offset + length], len(data), sector_bytes)


def write(pwrite: Callable[[int, bytes], object], parts: Iterable[tuple[int, bytes]], sync: Callable[[], None]) -> None:
    """Write a `layout` piece by piece, each on the disk before the next begins."""
    for offset, data in parts:
        pwrite(offset, data)
        sync()


def wipe(table: Table) -> Sequence[tuple[int, bytes]]:
    """(byte offset, zeros) that remove both copies and the protective MBR."""
    head = (2 + _entry_sectors(table.sector_bytes)) * table.sector_bytes
    tail = (1 + _entry_sectors(table.sector_bytes)) * table.sector_bytes
    return [(0, bytes(head)), (table.sectors * table.sector_bytes - tail, bytes(tail))]
