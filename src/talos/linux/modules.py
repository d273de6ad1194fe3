"""Kernel modules: loading one with what it needs, and which there are (proc_modules(5), modules.builtin of kmod)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors
from talos.init import modules as loading

PROC_MODULES = Path("/proc/modules")
ROOT = Path(loading.ROOT)
_NONE = "-"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A loaded module. `state` is Live, Loading or Unloading, `address` hexadecimal, `size` in bytes."""

    name: str
    size: int
    references: int
    dependencies: tuple[str, ...]
    state: str
    address: str


def folder() -> Path:
    """Where the running kernel's modules are."""
    return ROOT / os.uname().release


def loaded(path: Path = PROC_MODULES) -> list[Loaded]:
    """All loaded modules; none where the kernel has no support for modules."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return []
    found = []
    for line in text.splitlines():
        name, size, references, needs, state, address, *_ = line.split()
        dependencies = tuple(one for one in needs.split(",") if one and one != _NONE)
        found.append(Loaded(name, int(size), int(references), dependencies, state, address))
    return found


def builtin(where: Path | None = None) -> list[str]:
    """Names of the modules that are part of the kernel, sorted."""
    try:
        lines = ((where or folder()) / "modules.builtin").read_text().split()
    except FileNotFoundError:
        return []
    return sorted({loading.canonical(line) for line in lines})


def load(name: str, parameters: Sequence[str] = (), where: Path | None = None) -> None:
    """Load a module with what it needs; one that is there already is fine. Raises NotFound, OSError."""
    index = loading.Index(str(where or folder()))
    wanted = loading.canonical(name)
    names = index.matching(name)
    if not names:
        raise errors.NotFound(f"the kernel has no module {name!r}")
    for path in index.order(names):
        own = loading.canonical(path) == wanted
        loading.insert(path, " ".join(parameters) if own else "")
