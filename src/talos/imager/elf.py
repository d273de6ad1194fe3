"""Reads which shared libraries an ELF file asks for, and finds them in a tree.

Format: System V ABI, "Dynamic Section"; 64-bit little-endian only, as everything here is amd64 or arm64. Libraries
that a program opens by itself (dlopen) cannot be seen here and are named in the contents table.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from talos.base import errors

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB = 1, 5


class Elf:
    """What is asked of an ELF file: its interpreter and the libraries it needs."""

    def __init__(self, needed: Sequence[str], interpreter: str | None) -> None:
        self.needed, self.interpreter = tuple(needed), interpreter


def _segments(data: bytes) -> list[tuple[int, int, int, int]]:
    """(type, file offset, virtual address, file size) of every program header."""
    (offset,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    found = []
    for index in range(count):
        kind, _flags, at, address, _physical, length = struct.unpack_from("<IIQQQQ", data, offset + index * size)
        found.append((kind, at, address, length))
    return found


def _text(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode()


def parse(data: bytes) -> Elf | None:
    """The file's needs; None when it is no ELF file. Raises `Invalid` when it is one that makes no sense."""
    if data[:4] != b"\x7fELF":
        return None
    if data[4:6] != b"\x02\x01":
        raise errors.Invalid("only 64-bit little-endian ELF files are understood")
    try:
        segments = _segments(data)
        interpreter = next((_text(data, at) for kind, at, _, _ in segments if kind == _PT_INTERP), None)
        dynamic = next(((at, size) for kind, at, _, size in segments if kind == _PT_DYNAMIC), None)
        if dynamic is None:
            return Elf((), interpreter)
        entries = list(struct.iter_unpack("<qQ", data[dynamic[0] : dynamic[0] + dynamic[1] // 16 * 16]))
        address = next(value for tag, value in entries if tag == _DT_STRTAB)
        strings = next(
            address - base + at
            for kind, at, base, size in segments
            if kind == _PT_LOAD and base <= address < base + size
        )
        return Elf([_text(data, strings + value) for tag, value in entries if tag == _DT_NEEDED], interpreter)
    except (struct.error, ValueError, OverflowError, StopIteration) as exc:
        raise errors.Invalid(f"damaged ELF file: {exc!r}") from exc


def read(path: Path) -> Elf | None:
    """`parse` of a file's content."""
    with path.open("rb") as file:
        return parse(file.read()) if file.read(4) == b"\x7fELF" and file.seek(0) == 0 else None


def closure(tree: Path, paths: Iterable[Path], folders: Sequence[str]) -> set[str]:
    """Every shared library that the files `paths` need, as paths inside `tree` starting with `/`.

    `folders` are searched in order. A library that is found nowhere is an `Invalid` naming who asked for it.
    """
    found: set[str] = set()
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        described = read(path)
        if described is None:
            continue
        wanted = list(described.needed)
        if described.interpreter:
            wanted.append(Path(described.interpreter).name)
        for name in wanted:
            inside = next(
                (f"{folder}/{name}" for folder in folders if (tree / f"{folder}/{name}".lstrip("/")).exists()), None
            )
            if inside is None:
                raise errors.Invalid(f"{path} needs {name}, which is in none of {', '.join(folders)}")
            if inside not in found:
                found.add(inside)
                waiting.append(tree / inside.lstrip("/"))
    return found
