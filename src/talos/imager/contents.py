"""`rootfs/contents.toml`: what a root filesystem holds, each program with its reason. Parsed strictly."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors


@dataclass(frozen=True, slots=True)
class Program:
    """One executable file. Exactly one of `package`, `component`, `built` says where it comes from."""

    path: str
    why: str
    package: str = ""
    component: str = ""
    built: str = ""

    def sources(self) -> int:
        """How many sources are named; one is right."""
        return sum(bool(source) for source in (self.package, self.component, self.built))


@dataclass(frozen=True, slots=True)
class Python:
    """What is left out of the tree's Python code."""

    leave_out_rooms: tuple[str, ...]
    leave_out_stdlib: tuple[str, ...]
    leave_out_extensions: tuple[str, ...]
    leave_out_wheels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """The whole table."""

    programs: tuple[Program, ...]
    libraries: tuple[str, ...]
    links: Mapping[str, str]
    folders: Mapping[str, int]
    files: Mapping[str, bytes]
    python: Python


_TABLES = {"program", "library", "links", "folders", "files", "python"}


def parse(text: str, where: str) -> Contents:
    """The table in `text`. Raises `Invalid` with every problem."""
    try:
        raw = tomllib.loads(text)
        problems = [errors.Problem("unknown table", name, where) for name in raw.keys() - _TABLES]
        programs = tuple(Program(**entry) for entry in raw.get("program", []))
        python = Python(**{name: tuple(value) for name, value in raw.get("python", {}).items()})
    except (tomllib.TOMLDecodeError, TypeError) as exc:
        raise errors.Invalid([errors.Problem(str(exc), where=where)]) from exc
    problems += [errors.Problem("one source wanted", p.path, where) for p in programs if p.sources() != 1]
    problems += [errors.Problem("no reason given", p.path, where) for p in programs if not p.why]
    libraries = raw.get("library", [])
    problems += [
        errors.Problem("no reason given", entry.get("path", ""), where) for entry in libraries if not entry.get("why")
    ]
    if problems:
        raise errors.Invalid(problems)
    return Contents(
        programs=programs,
        libraries=tuple(entry["path"] for entry in libraries),
        links=raw.get("links", {}),
        folders=raw.get("folders", {}),
        files={path: content.lstrip("\n").encode() for path, content in raw.get("files", {}).items()},
        python=python,
    )


def load(path: Path) -> Contents:
    """The table in a file."""
    return parse(path.read_text(), str(path))
