"""`components/manifest.toml`: which Go packages become which programs.

Parsed strictly: an unknown key is an error, because a misspelt one would silently build something else.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from talos.base import errors


@dataclass(frozen=True, slots=True)
class Component:
    """One build: programs that share a go.mod, build tags and a version."""

    name: str
    folder: str
    version: str
    programs: Mapping[str, str]
    cgo: bool = False
    tags: tuple[str, ...] = ()
    stamp: tuple[str, ...] = ()
    links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def ldflags(self) -> str:
        """Linker flags: no symbols, no build id, the stamped variables."""
        flags = ["-s", "-w", "-buildid="]
        flags += [f"-X {entry.format(version=self.version)}" for entry in self.stamp]
        if self.cgo:
            flags.append("-linkmode external -extldflags -static")
        return " ".join(flags)

    def describe(self) -> dict[str, object]:
        """Everything that decides the build, for the cache key."""
        return asdict(self)


_KEYS = {"folder", "version", "programs", "cgo", "tags", "stamp", "links"}


def _component(name: str, entry: Mapping[str, object], where: str) -> Component:
    problems = [errors.Problem("unknown key", f"component.{name}.{key}", where) for key in entry.keys() - _KEYS]
    problems += [
        errors.Problem("missing", f"component.{name}.{key}", where)
        for key in ("version", "programs")
        if key not in entry
    ]
    programs, links = entry.get("programs", {}), entry.get("links", {})
    if not isinstance(programs, dict) or not isinstance(links, dict):
        problems.append(errors.Problem("programs and links are tables", f"component.{name}", where))
    elif unknown := links.keys() - programs.keys():
        problems.append(errors.Problem(f"links of no program: {sorted(unknown)}", f"component.{name}.links", where))
    if problems:
        raise errors.Invalid(problems)
    assert isinstance(programs, dict) and isinstance(links, dict)
    tags, stamp = entry.get("tags", []), entry.get("stamp", [])
    assert isinstance(tags, list) and isinstance(stamp, list)
    return Component(
        name=name,
        folder=str(entry.get("folder", name)),
        version=str(entry["version"]),
        programs={str(k): str(v) for k, v in programs.items()},
        cgo=bool(entry.get("cgo", False)),
        tags=tuple(tags),
        stamp=tuple(stamp),
        links={str(k): tuple(v) for k, v in links.items()},
    )


def load(path: Path) -> dict[str, Component]:
    """The components by name, in the file's order. Raises `Invalid` with every problem found."""
    try:
        parsed = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as exc:
        raise errors.Invalid([errors.Problem(str(exc), where=str(path))]) from exc
    if extra := parsed.keys() - {"component"}:
        raise errors.Invalid([errors.Problem("unknown table", name, str(path)) for name in extra])
    return {name: _component(name, entry, str(path)) for name, entry in parsed.get("component", {}).items()}
