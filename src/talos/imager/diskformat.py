"""Disk images in other forms: qcow2, vhd, and compressed.

Formats: QEMU's "Qcow2 Image File Format", version 3; Microsoft's "Virtual Hard Disk Image Format Specification" 1.0,
fixed disks. Both are written here because that needs neither root nor a program of the host, and gives the same bytes
for the same content. Holes of the source cost neither time nor space.
"""

from __future__ import annotations

import lzma
import os
import struct
import uuid
import zlib
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

from talos.base import errors
from talos.imager import tarlayer
from talos.imager.profile import Format, Packing

_CLUSTER_BITS = 16
_CLUSTER = 1 << _CLUSTER_BITS
_COPIED = 1 << 63
_QCOW2 = struct.Struct(">4sIQIIQIIQQIIQQQQII")
_PIECE = 4 << 20
_STREAM, _THREADS = 8 << 20, 2
_SAMPLE, _CHUNK = 1 << 15, 1 << 16
_VHD_FOOTER = struct.Struct(">8sIIQI4sI4sQQHBBII16sB")
_VHD_EPOCH = 946_684_800  # 1 January 2000
_SECTOR = 512


def _data(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """(start, end) of what is no hole."""
    at = 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, at


def _clusters(fd: int, size: int) -> Iterator[tuple[int, bytes]]:
    """(number, content) of the clusters that are not all zero."""
    blank, done = bytes(_CLUSTER), -1
    for start, end in _data(fd, size):
        for number in range(max(start >> _CLUSTER_BITS, done + 1), -(-end // _CLUSTER)):
            done = number
            content = os.pread(fd, _CLUSTER, number << _CLUSTER_BITS).ljust(_CLUSTER, b"\0")
            if content != blank:
                yield number, content


def _words(values: list[int]) -> bytes:
    return struct.pack(f">{len(values)}Q", *values)


def qcow2(source: Path, target: Path) -> None:
    """Write `source`, a raw image, as qcow2."""
    size, per_table = source.stat().st_size, _CLUSTER // 8
    tables = -(-size // (_CLUSTER * per_table))
    maps: dict[int, list[int]] = {}
    with source.open("rb") as raw, target.open("wb") as sink:
        sink.write(bytes(_CLUSTER))
        at = 1
        for number, content in _clusters(raw.fileno(), size):
            sink.write(content)
            mapped = maps.setdefault(number // per_table, [0] * per_table)
            mapped[number % per_table] = at << _CLUSTER_BITS | _COPIED
            at += 1
        first = [0] * tables
        for index, mapped in sorted(maps.items()):
            sink.write(_words(mapped))
            first[index], at = at << _CLUSTER_BITS | _COPIED, at + 1
        first_at, packed = at, _words(first)
        sink.write(packed.ljust(-(-len(packed) // _CLUSTER) * _CLUSTER, b"\0"))
        at += -(-len(packed) // _CLUSTER)
        table_at, blocks = at, 1
        # One cluster of the table speaks of 8192 blocks: 16 TiB.
        while blocks * (_CLUSTER // 2) < at + 1 + blocks:
            blocks += 1
        sink.write(_words([(at + 1 + i) << _CLUSTER_BITS for i in range(blocks)]).ljust(_CLUSTER, b"\0"))
        total = at + 1 + blocks
        sink.write((b"\0\1" * total).ljust(blocks * _CLUSTER, b"\0"))
        header = _QCOW2.pack(
            b"QFI\xfb", 3, 0, 0, _CLUSTER_BITS, size, 0, tables, first_at << _CLUSTER_BITS,
            table_at << _CLUSTER_BITS, 1, 0, 0, 0, 0, 0, 4, _QCOW2.size,
        )  # fmt: skip
        sink.seek(0)
        sink.write(header)


def geometry(sectors: int) -> tuple[int, int, int]:
    """Cylinders, heads and sectors per track, as the appendix of the specification computes them; pure."""
    sectors = min(sectors, 65535 * 16 * 255)
    if sectors >= 65535 * 16 * 63:
        return sectors // 255 // 16, 16, 255
    per_track, across = 17, sectors // 17
    heads = max(4, (across + 1023) // 1024)
    if across >= heads * 1024 or heads > 16:
        per_track, heads, across = 31, 16, sectors // 31
    if across >= heads * 1024:
        per_track, heads, across = 63, 16, sectors // 63
    return across // heads, heads, per_track


def vhd_footer(size_bytes: int, identity: uuid.UUID) -> bytes:
    """The last sector of a fixed disk; pure."""
    cylinders, heads, per_track = geometry(size_bytes // _SECTOR)

    def footer(checksum: int) -> bytes:
        return _VHD_FOOTER.pack(
            b"conectix", 2, 0x10000, (1 << 64) - 1, tarlayer.EPOCH - _VHD_EPOCH,
            # By this mark readers take the size for exact, and do not round it to the geometry's.
            b"qem2", 0x10000, b"Wi2k",
            size_bytes, size_bytes, cylinders, heads, per_track, 2, checksum, identity.bytes, 0,
        )  # fmt: skip

    return footer(~sum(footer(0)) & 0xFFFFFFFF).ljust(_SECTOR, b"\0")


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a file and keep its holes."""
    size = source.stat().st_size
    with source.open("rb") as raw, target.open("wb") as sink:
        sink.truncate(size)
        for start, end in _data(raw.fileno(), size):
            raw.seek(start)
            sink.seek(start)
            left = end - start
            while left and (piece := raw.read(min(_PIECE, left))):
                sink.write(piece)
                left -= len(piece)


def vhd(source: Path, target: Path, identity: uuid.UUID) -> None:
    """Write `source`, a raw image, as a fixed vhd. Raises Invalid unless it has whole MiB (Azure wants that)."""
    size = source.stat().st_size
    if size % (1 << 20):
        raise errors.Invalid(f"a vhd has whole MiB, this disk has {size} bytes")
    copy_sparse(source, target)
    with target.open("r+b") as sink:
        sink.seek(size)
        sink.write(vhd_footer(size, identity))


def convert(source: Path, target: Path, format: Format, identity: uuid.UUID) -> None:
    """Write a raw image in another format; a raw one is moved."""
    if format is Format.QCOW2:
        qcow2(source, target)
    elif format is Format.VHD:
        vhd(source, target, identity)
    else:
        source.rename(target)


def _shrinks(data: bytes) -> bool:
    """Whether compression is worth its time, from a piece of every MiB."""
    samples = b"".join(data[at : at + _SAMPLE] for at in range(0, len(data), 1 << 20))
    return len(zlib.compress(samples, 1)) < len(samples) * 0.98


def _number(value: int) -> bytes:
    """A number as xz writes it: seven bits a byte, the lowest first."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))


def _checked(data: bytes) -> bytes:
    return data + struct.pack("<I", zlib.crc32(data))


def xz_stored(data: bytes) -> bytes:
    """An xz stream of one block in which nothing is compressed; pure (The .xz File Format 1.2).

    The encoder would need half a minute to find that what zstd has packed cannot be made smaller.
    """
    flags = b"\0\1"  # CRC32
    block = _checked(b"\2\0\x21\1\x10\0\0\0")  # one filter: LZMA2, a dictionary of 1 MiB
    chunks = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
    body = [struct.pack(">BH", 2 if number else 1, len(chunk) - 1) + chunk for number, chunk in enumerate(chunks)]
    stored = b"".join((*body, b"\0"))
    size = len(block) + len(stored) + 4
    index = b"\0\1" + _number(size) + _number(len(data))
    index = _checked(index + bytes(-len(index) % 4))
    tail = struct.pack("<I", len(index) // 4 - 1) + flags
    padding = bytes(-len(stored) % 4)
    check = struct.pack("<I", zlib.crc32(data))
    head = b"\xfd7zXZ\0" + _checked(flags)
    return b"".join((head, block, stored, padding, check, index, struct.pack("<I", zlib.crc32(tail)), tail, b"YZ"))


def _packed(packing: Packing, data: bytes) -> bytes:
    """One complete stream; all three formats are what their streams give when they follow each other."""
    if packing is Packing.ZST:
        import zstandard

        return zstandard.ZstdCompressor(level=3).compress(data)
    if packing is Packing.XZ:
        return lzma.compress(data, preset=0) if _shrinks(data) else xz_stored(data)
    stream = zlib.compressobj(1, zlib.DEFLATED, 31)
    return stream.compress(data) + stream.flush()


def pack(source: Path, target: Path, packing: Packing) -> None:
    """Compress a file; most of it is compressed already, or zero: speed comes before size."""
    zeros = bytes(_STREAM)
    blank = _packed(packing, zeros)
    with source.open("rb") as raw, target.open("wb") as sink, futures.ThreadPoolExecutor(_THREADS) as pool:
        while batch := [piece for _ in range(_THREADS) if (piece := raw.read(_STREAM))]:
            waiting = [None if piece == zeros else pool.submit(_packed, packing, piece) for piece in batch]
            for future in waiting:
                sink.write(blank if future is None else future.result())
