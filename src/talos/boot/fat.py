"""FAT32 as the EFI system partition needs it, written so that a power cut at any moment leaves a usable file system.

    new file:   data ── sync ── FAT (both copies) ── sync ── directory entry, one sector ── sync
    replaced:   the same, where the entry that is there gets the new first cluster and size
    removed:    directory entry ── sync ── FAT

The kernel's driver gives no such order, its module has to be loaded, and a mount has to be undone; the loader's and the
firmware's drivers only need what is on the disk. What a cut leaves behind are clusters that no entry reaches: `open`
finds them, and they are free again. Format: Microsoft, FAT File System Specification 1.03; long names in UCS-2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from talos.base import errors
from talos.boot.medium import Medium

_BOOT = struct.Struct("<3s8sHBHBHHBHHHIIIHHIHH12sBBBI11s8s")
_ENTRY = struct.Struct("<8s3sBBBHHHHHHHI")
_ENTRY_BYTES = 32
_READ_ONLY, _HIDDEN, _SYSTEM, _LABEL, _FOLDER, _ARCHIVE = 1, 2, 4, 8, 16, 32
_LONG = _READ_ONLY | _HIDDEN | _SYSTEM | _LABEL
_END, _BAD, _MASK = 0x0FFFFFF8, 0x0FFFFFF7, 0x0FFFFFFF
_RESERVED_SECTORS, _FAT_COPIES, _ROOT = 32, 2, 2
_MIN_CLUSTERS = 65525
_FREE = b"\xe5"
_CHUNK = 4 << 20
_MAX_FILE = (1 << 32) - 1
_MAX_NAME = 255
_MAX_DEPTH = 8
_FORBIDDEN = frozenset('"*/:<>?\\|')
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-~!#$%&'()@^`{}")
# 1 January 2024: a fixed time keeps images reproducible, and nobody reads it.
_DATE = (2024 - 1980) << 9 | 1 << 5 | 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder. `at`: byte offset of its short entry; `slots`: offsets of all its entries."""

    name: str
    is_folder: bool
    first: int
    size: int
    at: int
    slots: tuple[int, ...]


def _checksum(short: bytes) -> int:
    total = 0
    for byte in short:
        total = ((total & 1) << 7) + (total >> 1) + byte & 0xFF
    return total


def _check_name(name: str) -> None:
    if not name or len(name) > _MAX_NAME or name in {".", ".."} or name[-1] in ". ":
        raise errors.Invalid(f"{name!r} is no file name")
    if any(c in _FORBIDDEN or ord(c) < 32 or ord(c) > 0xFFFF for c in name):
        raise errors.Invalid(f"{name!r} has characters that FAT has no place for")


def _short(name: str) -> bytes | None:
    """The 8.3 form of a name that needs no other."""
    stem, dot, suffix = name.partition(".")
    if not stem or len(stem) > 8 or len(suffix) > 3 or (dot and not suffix) or not set(stem + suffix) <= _PLAIN:
        return None
    return stem.encode().ljust(8) + suffix.encode().ljust(3)


def _alias(name: str, taken: set[bytes]) -> bytes:
    """An 8.3 name for a long one, that no other entry of the folder has."""
    stem, _, suffix = name.upper().rpartition(".") if "." in name else (name.upper(), "", "")
    base = "".join(c for c in stem if c in _PLAIN and c != "~")[:4].encode() or b"F"
    tail = "".join(c for c in suffix if c in _PLAIN)[:3].encode().ljust(3)
    for number in range(1, 1 << 12):
        short = (base + f"~{number:X}".encode()).ljust(8) + tail
        if short not in taken:
            return short
    raise errors.Conflict("a folder has too many names that begin alike")


def _packed(name: str, short: bytes, attributes: int, first: int, size: int) -> bytes:
    last = _ENTRY.pack(
        short[:8], short[8:], attributes, 0, 0, 0, _DATE, _DATE, first >> 16, 0, _DATE, first & 0xFFFF, size
    )
    if _short(name) == short:
        return last
    units = name.encode("utf-16-le")
    if len(units) % 26:
        units += b"\0\0"
        units += b"\xff" * (-len(units) % 26)
    count, check, pieces = len(units) // 26, _checksum(short), []
    for number in range(count, 0, -1):
        part = units[(number - 1) * 26 : number * 26]
        order = number | (0x40 if number == count else 0)
        pieces.append(
            bytes((order,)) + part[:10] + bytes((_LONG, 0, check)) + part[10:22] + b"\0\0" + part[22:26],
        )
    return b"".join(pieces) + last


def format(medium: Medium, *, serial: int, label: str = "EFI", sector_bytes: int = 512, hidden: int = 0) -> None:
    """Write an empty file system. `hidden`: sectors before it on the disk. Raises Invalid when it is too small."""
    sectors = medium.size_bytes // sector_bytes
    per_cluster = max(1, 4096 // sector_bytes)
    while (sectors - _RESERVED_SECTORS) // per_cluster < _MIN_CLUSTERS + 1024 and per_cluster > 1:
        per_cluster //= 2
    clusters = (sectors - _RESERVED_SECTORS) // per_cluster
    fat_sectors = -(-(clusters + 2) * 4 // sector_bytes)
    clusters = (sectors - _RESERVED_SECTORS - _FAT_COPIES * fat_sectors) // per_cluster
    if clusters < _MIN_CLUSTERS:
        raise errors.Invalid(f"{medium.size_bytes} bytes are too few for FAT32")
    name = label.upper().encode("ascii").ljust(11)
    boot = _BOOT.pack(
        b"\xeb\x58\x90", b"PYTALOS ", sector_bytes, per_cluster, _RESERVED_SECTORS, _FAT_COPIES, 0, 0, 0xF8, 0, 63,
        255, hidden & 0xFFFFFFFF, sectors, fat_sectors, 0, 0, _ROOT, 1, 6, b"",
        0x80, 0, 0x29, serial, name, b"FAT32   ",
    )  # fmt: skip
    boot = (boot.ljust(510, b"\0") + b"\x55\xaa").ljust(sector_bytes, b"\0")
    info = (b"RRaA" + bytes(480) + b"rrAa" + struct.pack("<II", clusters - 1, 3) + bytes(14) + b"\x55\xaa").ljust(
        sector_bytes, b"\0"
    )
    head = bytearray(_RESERVED_SECTORS * sector_bytes)
    for at, data in ((0, boot), (1, info), (6, boot), (7, info)):
        head[at * sector_bytes : (at + 1) * sector_bytes] = data
    # The old boot sector goes first: half a new file system must not pass for the one before.
    medium.pwrite(0, bytes(sector_bytes))
    medium.sync()
    fat = struct.pack("<III", 0x0FFFFFF8, 0x0FFFFFFF, 0x0FFFFFFF)
    for copy in range(_FAT_COPIES):
        start = (_RESERVED_SECTORS + copy * fat_sectors) * sector_bytes
        for at in range(0, fat_sectors * sector_bytes, _CHUNK):
            piece = bytes(min(_CHUNK, fat_sectors * sector_bytes - at))
            medium.pwrite(start + at, fat + piece[len(fat) :] if at == 0 else piece)
    root = (_RESERVED_SECTORS + _FAT_COPIES * fat_sectors) * sector_bytes
    named = _ENTRY.pack(name[:8], name[8:], _LABEL, 0, 0, 0, 0, 0, 0, 0, _DATE, 0, 0)
    medium.pwrite(root, named.ljust(per_cluster * sector_bytes, b"\0"))
    medium.pwrite(sector_bytes, bytes(head[sector_bytes:]))
    medium.sync()
    medium.pwrite(0, bytes(head[:sector_bytes]))
    medium.sync()


class Volume:
    """A FAT32 file system. Paths are separated by `/`, and compared without regard to case. One user at a time."""

    def __init__(self, medium: Medium) -> None:
        """Read the tables. Raises Invalid for anything that is no sound FAT32."""
        self._medium = medium
        head = medium.pread(0, 512)
        if len(head) < 512 or head[510:] != b"\x55\xaa" or head[82:90] != b"FAT32   ":
            raise errors.Invalid("no FAT32 file system")
        fields = _BOOT.unpack_from(head)
        self.sector: int = fields[2]
        self._root: int = fields[17]
        self._info: int = fields[18]
        per_cluster, reserved, copies = fields[3:6]
        total, fat_sectors = fields[13:15]
        sound = self.sector in {512, 1024, 2048, 4096} and per_cluster in {1, 2, 4, 8, 16, 32, 64, 128}
        if not sound or not 1 <= copies <= 2 or not reserved or not fat_sectors:
            raise errors.Invalid("damaged FAT32 file system")
        self.cluster: int = per_cluster * self.sector
        self._fats: list[int] = [(reserved + copy * fat_sectors) * self.sector for copy in range(copies)]
        self._data: int = (reserved + copies * fat_sectors) * self.sector
        self.clusters: int = (total - self._data // self.sector) // per_cluster
        too_long = total * self.sector > medium.size_bytes or self.clusters + 2 > fat_sectors * self.sector // 4
        if self.clusters < 1 or too_long or not 2 <= self._root < self.clusters + 2:
            raise errors.Invalid("damaged FAT32 file system: it is larger than what holds it")
        raw = medium.pread(self._fats[0], (self.clusters + 2) * 4)
        self._fat: list[int] = list(struct.unpack(f"<{self.clusters + 2}I", raw))
        self._dirty: set[int] = set()
        self._shared: set[int] = set()
        self._reclaim()

    # --- clusters

    def _offset(self, cluster: int) -> int:
        return self._data + (cluster - 2) * self.cluster

    def _chain(self, first: int) -> list[int]:
        chain, seen, at = [], set[int](), first
        while 2 <= at < self.clusters + 2 and at not in seen:
            chain.append(at)
            seen.add(at)
            at = self._fat[at] & _MASK
        if first and at < _BAD:
            raise errors.Invalid("damaged FAT32 file system: a chain of clusters does not end")
        return chain

    def _set(self, cluster: int, value: int) -> None:
        self._fat[cluster] = (self._fat[cluster] & ~_MASK) | value
        self._dirty.add(cluster * 4 // self.sector)

    def _flush_fat(self) -> None:
        step = self.sector // 4
        for start in self._fats:
            for number in sorted(self._dirty):
                values = self._fat[number * step : (number + 1) * step]
                packed = struct.pack(f"<{len(values)}I", *values)
                self._medium.pwrite(start + number * self.sector, packed)
        self._dirty.clear()
        self._medium.sync()

    def _flush_info(self) -> None:
        """Tell others how much is free; only a hint."""
        if 0 < self._info < 0xFFFF:
            at = self._info * self.sector + 488
            if self._medium.pread(at - 4, 4) == b"rrAa":
                self._medium.pwrite(at, struct.pack("<II", self._free(), 0xFFFFFFFF))
                self._medium.sync()

    def _free(self) -> int:
        return sum(1 for value in self._fat[2:] if value & _MASK == 0)

    @property
    def free_bytes(self) -> int:
        """Room for file data."""
        return self._free() * self.cluster

    def _reclaim(self) -> None:
        """Free what no entry reaches, in memory; it is written with the next change."""
        used, waiting = set(self._chain(self._root)), [(self._root, 0)]
        while waiting:
            folder, depth = waiting.pop()
            for entry in self._entries(folder):
                chain = self._chain(entry.first)
                # A firmware that was cut off while it renamed leaves two names of one file.
                self._shared.update(used.intersection(chain))
                used.update(chain)
                if entry.is_folder:
                    if depth == _MAX_DEPTH:
                        raise errors.Invalid("folders are nested too deeply")
                    waiting.append((entry.first, depth + 1))
        for cluster in range(2, self.clusters + 2):
            value = self._fat[cluster] & _MASK
            if value and value != _BAD and cluster not in used:
                self._set(cluster, 0)

    def _allocate(self, size: int) -> list[int]:
        wanted = -(-size // self.cluster)
        found: list[int] = []
        for cluster in range(2, self.clusters + 2):
            if len(found) == wanted:
                break
            if self._fat[cluster] & _MASK == 0:
                found.append(cluster)
        if len(found) < wanted:
            raise errors.Conflict(f"no room for {size} bytes: {self.free_bytes} are free")
        return found

    def _link(self, clusters: list[int]) -> None:
        for cluster, following in zip(clusters, [*clusters[1:], _MASK], strict=True):
            self._set(cluster, following)
        self._flush_fat()

    # --- folders

    def _slots(self, folder: int) -> Iterator[tuple[int, bytes]]:
        for cluster in self._chain(folder):
            at = self._offset(cluster)
            data = self._medium.pread(at, self.cluster)
            for index in range(0, len(data), _ENTRY_BYTES):
                yield at + index, data[index : index + _ENTRY_BYTES]

    def _entries(self, folder: int) -> list[Entry]:
        found, parts, slots = [], list[bytes](), list[int]()
        for at, raw in self._slots(folder):
            if raw[0] == 0:
                break
            if raw[:1] == _FREE:
                parts, slots = [], []
                continue
            if raw[11] & 0x3F == _LONG:
                if raw[0] & 0x40:
                    parts, slots = [], []
                parts.insert(0, raw)
                slots.append(at)
                continue
            if not raw[11] & _LABEL and raw[:1] != b".":
                found.append(self._entry(raw, parts, at, (*slots, at)))
            parts, slots = [], []
        return found

    def _entry(self, raw: bytes, parts: list[bytes], at: int, slots: tuple[int, ...]) -> Entry:
        stem, suffix, attributes, case, _, _, _, _, high, _, _, low, size = _ENTRY.unpack(raw)
        if parts and all(part[13] == _checksum(raw[:11]) for part in parts):
            units = b"".join(part[1:11] + part[14:26] + part[28:32] for part in parts)
            name = units.decode("utf-16-le", errors="replace").split("\0", 1)[0]
        else:
            first = stem.rstrip().decode("ascii", errors="replace")
            last = suffix.rstrip().decode("ascii", errors="replace")
            first, last = (first.lower() if case & 8 else first), (last.lower() if case & 16 else last)
            name, slots = (f"{first}.{last}" if last else first), slots[-1:]
        return Entry(name, bool(attributes & _FOLDER), (high << 16 | low) & _MASK, size, at, slots)

    def _walk(self, parts: list[str]) -> int:
        """First cluster of a folder. Raises NotFound."""
        folder = self._root
        for part in parts:
            entry = self._in(folder, part)
            if entry is None or not entry.is_folder:
                raise errors.NotFound(f"no folder {'/'.join(parts)}")
            folder = entry.first
        return folder

    def _in(self, folder: int, name: str) -> Entry | None:
        return next((e for e in self._entries(folder) if e.name.casefold() == name.casefold()), None)

    def _insert(self, folder: int, name: str, attributes: int, first: int, size: int) -> None:
        """Add an entry; all of it lies in one sector, so that it is there or is not."""
        taken = {raw[:11] for _, raw in self._slots(folder)}
        short = _short(name)
        packed = _packed(name, short if short else _alias(name, taken), attributes, first, size)
        needed = len(packed) // _ENTRY_BYTES
        run: list[int] = []
        if needed > self.sector // _ENTRY_BYTES:
            raise errors.Invalid(f"the name {name!r} is too long")
        for at, raw in self._slots(folder):
            if run and (at // self.sector != run[0] // self.sector or at != run[-1] + _ENTRY_BYTES):
                run = []
            run = [*run, at] if raw[0] == 0 or raw[:1] == _FREE else []
            if len(run) == needed:
                self._close_gap(folder, run[0])
                self._medium.pwrite(run[0], packed)
                self._medium.sync()
                return
        self._grow(folder)
        self._insert(folder, name, attributes, first, size)

    def _close_gap(self, folder: int, before: int) -> None:
        """Mark never used slots before an entry as deleted: the first never used one ends a folder."""
        gap = []
        for at, raw in self._slots(folder):
            if at == before:
                break
            if raw[0] == 0:
                gap.append(at)
        for at in gap:
            self._medium.pwrite(at, _FREE.ljust(_ENTRY_BYTES, b"\0"))
        if gap:
            self._medium.sync()

    def _grow(self, folder: int) -> None:
        (added,) = self._allocate(1)
        self._medium.pwrite(self._offset(added), bytes(self.cluster))
        self._medium.sync()
        last = self._chain(folder)[-1]
        # In this order: a chain must never lead to a free cluster.
        self._link([added])
        self._set(last, added)
        self._flush_fat()

    # --- what users call

    def entries(self, path: str = "") -> list[Entry]:
        """What a folder holds. Raises NotFound."""
        return self._entries(self._walk(_parts(path)))

    def find(self, path: str) -> Entry | None:
        """The entry of a path, None when there is none."""
        *parents, name = _parts(path)
        try:
            return self._in(self._walk(parents), name)
        except errors.NotFound:
            return None

    def read(self, path: str) -> Iterator[bytes]:
        """The content of a file, in pieces. Raises NotFound, Invalid for a chain shorter than the file."""
        entry = self.find(path)
        if entry is None or entry.is_folder:
            raise errors.NotFound(f"no file {path}")
        left = entry.size
        for start, count in _runs(self._chain(entry.first)):
            at, end = self._offset(start), self._offset(start) + count * self.cluster
            while at < end and left:
                piece = self._medium.pread(at, min(_CHUNK, end - at, left))
                if not piece:
                    break
                yield piece
                at, left = at + len(piece), left - len(piece)
        if left:
            raise errors.Invalid(f"damaged FAT32 file system: {path} ends early")

    def read_bytes(self, path: str, limit: int = 1 << 20) -> bytes:
        """A small file at once. Raises NotFound, Invalid when it is larger than `limit`."""
        entry = self.find(path)
        if entry is not None and entry.size > limit:
            raise errors.Invalid(f"{path} is larger than {limit} bytes")
        return b"".join(self.read(path))

    def make_folders(self, path: str) -> int:
        """Make a folder and those above it; its first cluster. Raises Conflict where a file is in the way."""
        folder = self._root
        for part in _parts(path):
            entry = self._in(folder, part)
            if entry is None:
                _check_name(part)
                (first,) = self._allocate(1)
                dots = b"".join(
                    _ENTRY.pack(
                        name, b"   ", _FOLDER, 0, 0, 0, _DATE, _DATE, at >> 16, 0, _DATE, at & 0xFFFF, 0
                    )  # the root is 0 here by specification
                    for name, at in ((b".".ljust(8), first), (b"..".ljust(8), 0 if folder == self._root else folder))
                )
                self._medium.pwrite(self._offset(first), dots.ljust(self.cluster, b"\0"))
                self._medium.sync()
                self._link([first])
                self._insert(folder, part, _FOLDER, first, 0)
                folder = first
            elif not entry.is_folder:
                raise errors.Conflict(f"{part} is a file")
            else:
                folder = entry.first
        return folder

    def write(self, path: str, pieces: Iterable[bytes], size: int) -> None:
        """Make or replace a file of exactly `size` bytes; before the last step the old one is whole, after it the new.

        Raises Invalid for a name FAT has no place for, or when `pieces` are not `size` long; Conflict when there is no
        room, before the first byte is written.
        """
        *parents, name = _parts(path)
        _check_name(name)
        if size > _MAX_FILE:
            raise errors.Invalid("a FAT32 file holds less than 4 GiB")
        folder = self.make_folders("/".join(parents))
        old = self._in(folder, name)
        if old is not None and old.is_folder:
            raise errors.Conflict(f"{path} is a folder")
        clusters = self._allocate(size)
        self._fill(clusters, pieces, size)
        if clusters:
            self._link(clusters)
        first = clusters[0] if clusters else 0
        if old is None:
            self._insert(folder, name, _ARCHIVE, first, size)
        else:
            self._point(old, first, size)
            self._release(old.first)
        self._flush_info()

    def _release(self, first: int) -> None:
        for cluster in self._chain(first):
            if cluster not in self._shared:
                self._set(cluster, 0)
        self._flush_fat()

    def _fill(self, clusters: list[int], pieces: Iterable[bytes], size: int) -> None:
        source, buffer, done = iter(pieces), bytearray(), 0
        for start, count in _runs(clusters):
            at, end = self._offset(start), self._offset(start) + count * self.cluster
            while at < end:
                wanted = min(_CHUNK, end - at)
                while len(buffer) < wanted and (piece := next(source, None)) is not None:
                    buffer += piece
                    done += len(piece)
                    if done > size:
                        raise errors.Invalid(f"the file is longer than the {size} bytes announced")
                data = bytes(buffer[:wanted]).ljust(wanted, b"\0")
                del buffer[:wanted]
                self._medium.pwrite(at, data)
                at += wanted
        if done != size or next(source, b""):
            raise errors.Invalid(f"the file has other than the {size} bytes announced")
        self._medium.sync()

    def _point(self, entry: Entry, first: int, size: int) -> None:
        raw = bytearray(self._medium.pread(entry.at, _ENTRY_BYTES))
        struct.pack_into("<H", raw, 20, first >> 16)
        struct.pack_into("<HI", raw, 26, first & 0xFFFF, size)
        self._medium.pwrite(entry.at, bytes(raw))
        self._medium.sync()

    def remove(self, path: str) -> None:
        """Remove a file; none there is none to remove. Raises Conflict for a folder."""
        entry = self.find(path)
        if entry is None:
            return
        if entry.is_folder:
            raise errors.Conflict(f"{path} is a folder")
        # The short entry ends the file; long entries without it are nobody's.
        for at in reversed(entry.slots):
            raw = self._medium.pread(at, _ENTRY_BYTES)
            self._medium.pwrite(at, _FREE + raw[1:])
        self._medium.sync()
        self._release(entry.first)
        self._flush_info()


def _parts(path: str) -> list[str]:
    return [part for part in path.replace("\\", "/").split("/") if part]


def _runs(clusters: list[int]) -> Iterator[tuple[int, int]]:
    """(first, count) of neighbours."""
    start = 0
    for index in range(1, len(clusters) + 1):
        if index == len(clusters) or clusters[index] != clusters[index - 1] + 1:
            yield clusters[start], index - start
            start = index
