"""Looks into a unified kernel image without loading it: its sections, and whether it is all there.

Formats: PE/COFF (Microsoft's specification, revision 12), the UAPI group's "Unified Kernel Image", os-release(5).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from talos.base import errors

MACHINES = {"x86_64": 0x8664, "aarch64": 0xAA64}
_POINTER = 0x3C
_COFF = struct.Struct("<4sHHIIIHH")
_SECTION = struct.Struct("<8sIIIIIIHHI")
_PE32_PLUS = 0x20B
_MAX_SECTIONS = 96
_MAX_TEXT = 64 << 10
_NEEDED = (".osrel", ".cmdline", ".initrd", ".linux")
_CPIO_HEAD, _CPIO_MAGIC = 110, b"070701"
_CPIO_MEMBERS = 64

Pread = Callable[[int, int], bytes]
"""(offset, length) -> bytes, fewer at the end."""


@dataclass(frozen=True, slots=True)
class Section:
    """Where a section is in the file."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Image:
    """What a unified kernel image says of itself."""

    sections: dict[str, Section]
    os_release: dict[str, str]
    cmdline: str

    @property
    def version(self) -> str:
        """Version of the system."""
        return self.os_release.get("VERSION_ID", "")


def _read(pread: Pread, offset: int, length: int) -> bytes:
    data = pread(offset, length)
    if len(data) != length:
        raise errors.Invalid("the image ends early")
    return data


def sections(pread: Pread, size: int, machine: str) -> dict[str, Section]:
    """The sections by name. Raises Invalid for what is no program for UEFI on this machine, or is cut short."""
    (at,) = struct.unpack("<I", _read(pread, _POINTER, 4))
    magic, kind, count, _, _, _, optional, _ = _COFF.unpack(_read(pread, at, _COFF.size))
    if magic != b"PE\0\0" or _read(pread, 0, 2) != b"MZ" or not 0 < count <= _MAX_SECTIONS:
        raise errors.Invalid("not a unified kernel image: no PE file")
    if struct.unpack("<H", _read(pread, at + _COFF.size, 2))[0] != _PE32_PLUS or kind != MACHINES.get(machine):
        raise errors.Invalid(f"the image is for another kind of machine than {machine}")
    found: dict[str, Section] = {}
    table = _read(pread, at + _COFF.size + optional, count * _SECTION.size)
    for index in range(count):
        name, virtual, _, raw_size, raw_at, *_ = _SECTION.unpack_from(table, index * _SECTION.size)
        if raw_at + raw_size > size:
            raise errors.Invalid("the image ends early")
        text = name.rstrip(b"\0").decode("ascii", errors="replace")
        found.setdefault(text, Section(text, raw_at, min(virtual, raw_size)))
    return found


def inspect(pread: Pread, size: int, machine: str) -> Image:
    """Check that an image is whole and what it has to be. Raises Invalid."""
    found = sections(pread, size, machine)
    if missing := [name for name in _NEEDED if not (found.get(name) and found[name].size)]:
        raise errors.Invalid(f"not a unified kernel image: it has no {', '.join(missing)}")

    def text(name: str) -> str:
        if found[name].size > _MAX_TEXT:
            raise errors.Invalid(f"section {name} is too large")
        return _read(pread, found[name].offset, found[name].size).rstrip(b"\0").decode(errors="replace")

    pairs = (line.partition("=") for line in text(".osrel").splitlines())
    release = {key.strip(): value.strip().strip("\"'") for key, sign, value in pairs if sign}
    return Image(found, release, text(".cmdline").strip())


def carried(pread: Pread, section: Section, name: str) -> Section | None:
    """Where a file lies in the uncompressed archive (cpio, newc) that begins a section; None when it is not there."""
    at, end = section.offset, section.offset + section.size
    for _ in range(_CPIO_MEMBERS):
        head = pread(at, _CPIO_HEAD)
        if at + _CPIO_HEAD > end or head[:6] != _CPIO_MAGIC:
            return None
        try:
            length, name_length = int(head[54:62], 16), int(head[94:102], 16)
        except ValueError:
            return None
        label = pread(at + _CPIO_HEAD, min(name_length, 4096)).rstrip(b"\0").decode(errors="replace")
        # Padding counts from the beginning of the archive.
        start = section.offset + -(-(at - section.offset + _CPIO_HEAD + name_length) // 4) * 4
        if label == "TRAILER!!!" or start + length > end:
            return None
        if label == name:
            return Section(name, start, length)
        at = section.offset + -(-(start - section.offset + length) // 4) * 4
    return None
