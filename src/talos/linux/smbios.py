"""SMBIOS tables as the kernel shows them (DMTF DSP0134): the machine, its processors and its memory modules.

A structure is a header (type, length, handle), a formatted area, and texts ended by two zero bytes; a text is named
by its number, from 1.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TABLE = Path("/sys/firmware/dmi/tables/DMI")
BIOS, SYSTEM, PROCESSOR, MEMORY_DEVICE, END = 0, 1, 4, 17, 127
_HEADER = struct.Struct("<BBH")
_UNKNOWN_SIZE, _EXTENDED_SIZE, _KIBIBYTES = 0xFFFF, 0x7FFF, 0x8000
_WAKE_UP = (
    "Reserved", "Other", "Unknown", "APM Timer", "Modem Ring", "LAN Remote", "Power Switch", "PCI PME#",
    "AC Power Restored",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Structure:
    """One structure; offsets count from its header, as in the standard."""

    kind: int
    handle: int
    data: bytes
    texts: tuple[str, ...]

    def text(self, offset: int) -> str:
        """The text a byte names; empty where there is none."""
        number = self.number(offset, 1)
        return self.texts[number - 1] if 0 < number <= len(self.texts) else ""

    def number(self, offset: int, size: int) -> int:
        """A little-endian number; 0 where an older structure ends before it."""
        return int.from_bytes(self.data[offset : offset + size], "little") if offset + size <= len(self.data) else 0


def parse(table: bytes) -> Iterator[Structure]:
    """All structures up to the end mark; a cut table ends where it is cut."""
    at = 0
    while at + _HEADER.size <= len(table):
        kind, length, handle = _HEADER.unpack_from(table, at)
        if length < _HEADER.size or kind == END:
            return
        end = table.find(b"\0\0", at + length)
        if end < 0:
            return
        texts = tuple(one.decode(errors="replace").strip() for one in table[at + length : end].split(b"\0") if one)
        yield Structure(kind, handle, table[at : at + length], texts)
        at = end + 2


@dataclass(frozen=True, slots=True)
class Machine:
    """Structures 0 and 1."""

    manufacturer: str = ""
    product: str = ""
    version: str = ""
    bios_version: str = ""
    serial: str = ""
    uuid: str = ""
    wake_up: str = ""
    sku: str = ""


@dataclass(frozen=True, slots=True)
class Processor:
    """Structure 4; speeds in MHz."""

    socket: str
    manufacturer: str
    version: str
    max_speed: int
    boot_speed: int
    status: int
    serial: str
    asset_tag: str
    part: str
    cores: int
    enabled: int
    threads: int


@dataclass(frozen=True, slots=True)
class MemoryModule:
    """Structure 17; `size_mib` 0 for an empty slot, speed in megatransfers a second."""

    size_mib: int
    locator: str
    bank: str
    speed: int
    manufacturer: str
    serial: str
    asset_tag: str
    part: str


def _uuid(raw: bytes) -> str:
    """The first three fields are little-endian since version 2.6; all zeros and all ones are none."""
    if len(raw) != 16 or raw in (bytes(16), b"\xff" * 16):
        return ""
    return str(uuid.UUID(bytes_le=raw))


def machine(structures: list[Structure]) -> Machine:
    """The machine; empty texts where the firmware says nothing."""
    bios = next((one for one in structures if one.kind == BIOS), None)
    system = next((one for one in structures if one.kind == SYSTEM), None)
    version = bios.text(5) if bios is not None else ""
    if system is None:
        return Machine(bios_version=version)
    wake_up = system.number(24, 1)
    return Machine(
        manufacturer=system.text(4),
        product=system.text(5),
        version=system.text(6),
        bios_version=version,
        serial=system.text(7),
        uuid=_uuid(system.data[8:24]),
        wake_up=_WAKE_UP[wake_up] if 0 < wake_up < len(_WAKE_UP) else "",
        sku=system.text(25),
    )


def _count(structure: Structure, short: int, long: int) -> int:
    """A number of a byte that is 255 when it does not fit; then the newer field has it."""
    found = structure.number(short, 1)
    return structure.number(long, 2) if found == 0xFF else found


def processors(structures: list[Structure]) -> list[Processor]:
    """One for each socket, also empty ones."""
    return [
        Processor(
            socket=one.text(4),
            manufacturer=one.text(7),
            version=one.text(16),
            max_speed=one.number(20, 2),
            boot_speed=one.number(22, 2),
            status=one.number(24, 1),
            serial=one.text(32),
            asset_tag=one.text(33),
            part=one.text(34),
            cores=_count(one, 35, 42),
            enabled=_count(one, 36, 44),
            threads=_count(one, 37, 46),
        )
        for one in structures
        if one.kind == PROCESSOR
    ]


def _size_mib(structure: Structure) -> int:
    size = structure.number(12, 2)
    if size == _UNKNOWN_SIZE:
        return 0
    if size == _EXTENDED_SIZE:
        return structure.number(28, 4) & 0x7FFFFFFF
    return (size & 0x7FFF) // 1024 if size & _KIBIBYTES else size


def memory_modules(structures: list[Structure]) -> list[MemoryModule]:
    """One for each slot, also empty ones."""
    return [
        MemoryModule(
            size_mib=_size_mib(one),
            locator=one.text(16),
            bank=one.text(17),
            speed=one.number(21, 2),
            manufacturer=one.text(23),
            serial=one.text(24),
            asset_tag=one.text(25),
            part=one.text(26),
        )
        for one in structures
        if one.kind == MEMORY_DEVICE
    ]


def read(path: Path = TABLE) -> list[Structure]:
    """The firmware's tables; none on a machine without SMBIOS. Raises OSError."""
    try:
        return list(parse(path.read_bytes()))
    except FileNotFoundError:
        return []
