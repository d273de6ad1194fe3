"""Makes a unified kernel image: systemd's EFI stub with kernel, initramfs and command line as further sections.

Formats: PE/COFF (Microsoft's specification, revision 12) and the UAPI group's "Unified Kernel Image". The stub is built
with room for more section headers; sections are appended behind those it has, in memory as in the file.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from talos.base import errors

_PE_POINTER = 0x3C
_COFF = struct.Struct("<4sHHIIIHH")
_SECTION = struct.Struct("<8sIIIIIIHHI")
_READ_ONLY_DATA = 0x40000040  # initialised, readable
_PE32_PLUS = 0x20B
_SECTION_ALIGNMENT, _FILE_ALIGNMENT, _IMAGE_SIZE, _HEADERS_SIZE, _CHECKSUM = 32, 36, 56, 60, 64
_INITIALISED_SIZE = 8


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a PE file."""

    name: str
    data: bytes


def _up(value: int, alignment: int) -> int:
    return -(-value // alignment) * alignment


def _field(image: bytes | bytearray, at: int) -> int:
    return int(struct.unpack_from("<I", image, at)[0])


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the parts of a PE header are."""

    coff: int
    optional: int
    sections: int
    count: int


def _places(image: bytes | bytearray) -> _Places:
    try:
        at = _field(image, _PE_POINTER)
        magic, _machine, count, _time, _symbols, _count, size, _flags = _COFF.unpack_from(image, at)
        optional = at + _COFF.size
        (kind,) = struct.unpack_from("<H", image, optional)
    except struct.error as exc:
        raise errors.Invalid(f"damaged PE file: {exc}") from exc
    if magic != b"PE\0\0" or kind != _PE32_PLUS:
        raise errors.Invalid("not a 64-bit PE file")
    return _Places(at, optional, optional + size, count)


def sections(image: bytes) -> list[Section]:
    """Every section with its content. Raises `Invalid` for what is no PE file or ends early."""
    places, found = _places(image), []
    for index in range(places.count):
        try:
            name, size, _, raw_size, raw_at, *_ = _SECTION.unpack_from(image, places.sections + index * _SECTION.size)
        except struct.error as exc:
            raise errors.Invalid(f"damaged PE file: {exc}") from exc
        if raw_at + min(size, raw_size) > len(image):
            raise errors.Invalid(f"PE file ends within section {name!r}")
        found.append(Section(name.rstrip(b"\0").decode(), image[raw_at : raw_at + min(size, raw_size)]))
    return found


def append(stub: bytes, added: Sequence[Section]) -> bytes:
    """The PE file `stub` with more sections. Raises `Invalid` when its header has no room for them."""
    image = bytearray(stub)
    places = _places(image)
    optional = places.optional
    align, file_align = _field(image, optional + _SECTION_ALIGNMENT), _field(image, optional + _FILE_ALIGNMENT)
    end = places.sections + (places.count + len(added)) * _SECTION.size
    if end > _field(image, optional + _HEADERS_SIZE):
        raise errors.Invalid("the stub has no room for more sections")
    used = [_SECTION.unpack_from(image, places.sections + i * _SECTION.size) for i in range(places.count)]
    address = max(_up(start + max(size, raw), align) for _, size, start, raw, *_ in used)
    pieces, at = [bytes(image).ljust(_up(len(image), file_align), b"\0")], _up(len(image), file_align)
    headers = b""
    for section in added:
        raw = _up(len(section.data), file_align)
        name = section.name.encode()
        headers += _SECTION.pack(name, len(section.data), address, raw, at, 0, 0, 0, 0, _READ_ONLY_DATA)
        pieces.append(section.data + bytes(raw - len(section.data)))
        at += raw
        address = _up(address + len(section.data), align)
    head = bytearray(pieces[0])
    head[end - len(headers) : end] = headers
    struct.pack_into("<H", head, places.coff + 6, places.count + len(added))
    struct.pack_into("<I", head, optional + _IMAGE_SIZE, address)
    total = _field(head, optional + _INITIALISED_SIZE) + sum(_up(len(s.data), file_align) for s in added)
    struct.pack_into("<I", head, optional + _INITIALISED_SIZE, total)
    # Firmware ignores it, and it would have to be computed anew by whoever signs.
    struct.pack_into("<I", head, optional + _CHECKSUM, 0)
    return b"".join([bytes(head), *pieces[1:]])


def build(stub: bytes, *, kernel: bytes, initramfs: bytes, cmdline: str, os_release: bytes, release: str) -> bytes:
    """The unified kernel image; `release` is what uname -r will say."""
    return append(
        stub,
        [
            Section(".osrel", os_release),
            Section(".cmdline", cmdline.encode()),
            Section(".uname", release.encode()),
            Section(".initrd", initramfs),
            Section(".linux", kernel),
        ],
    )
