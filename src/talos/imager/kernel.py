"""Chooses a machine's kernel modules, packs them as squashfs, and finds what the initramfs has to load.

The kernel and its modules are Debian's own files, byte for byte: their signatures stay valid (`module.sig_enforce`).
"""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors
from talos.imager import tarlayer
from talos.imager.sysroot import Sysroot
from talos.init import modules

_TIMEOUT_S = 600.0
_TABLES = ("modules.order", "modules.builtin", "modules.builtin.modinfo")
# What the node reads; depmod's other files are binary forms of these, for kmod.
_KEPT = frozenset({*_TABLES, "modules.dep", "modules.alias", "modules.softdep"})


@dataclass(frozen=True, slots=True)
class Choice:
    """`rootfs/modules.toml`: prefixes of paths below `kernel/`."""

    keep: tuple[str, ...]
    leave_out: tuple[str, ...]
    first: tuple[str, ...]

    def wants(self, path: str) -> bool:
        """Whether the module file `path`, relative to `kernel/`, is asked for by itself."""
        folders = any(path == kept or path.startswith(f"{kept}/") for kept in self.keep)
        return folders and not path.startswith(self.leave_out)


def choice(path: Path) -> Choice:
    """The table in a file. Raises `Invalid`."""
    try:
        table = {name: tuple(value) for name, value in tomllib.loads(path.read_text()).items()}
        return Choice(**table)
    except (tomllib.TOMLDecodeError, TypeError) as exc:
        raise errors.Invalid([errors.Problem(str(exc), where=str(path))]) from exc


@dataclass(frozen=True, slots=True)
class Kernel:
    """The kernel of a sysroot."""

    tree: Sysroot

    @property
    def release(self) -> str:
        """What uname -r says. Raises `Conflict` unless the tree has one kernel."""
        found = sorted(path.name for path in (self.tree.path / "usr/lib/modules").iterdir())
        if len(found) != 1:
            raise errors.Conflict(f"one kernel wanted, the tree has {', '.join(found) or 'none'}")
        return found[0]

    @property
    def image(self) -> Path:
        """The compressed kernel."""
        return self.tree.path / "boot" / f"vmlinuz-{self.release}"

    @property
    def modules(self) -> Path:
        """Every module the kernel has."""
        return self.tree.path / "usr/lib/modules" / self.release


def _depmod(tree: Sysroot, top: Path, release: str, log: Path) -> None:
    tree.run(["depmod", "--basedir", str(top), release], log=log, timeout_s=_TIMEOUT_S, shared=[top])


def _link(kernel: Kernel, paths: Sequence[str], target: Path) -> None:
    for path in [*_TABLES, *paths]:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        if not (target / path).exists():
            os.link(kernel.modules / path, target / path)


def _select(kernel: Kernel, wanted: Choice, folder: Path, log: Path) -> list[str]:
    """Paths of the chosen modules and of all they need, relative to the release's folder."""
    release, whole = kernel.release, folder / "whole"
    everything = sorted(str(path.relative_to(kernel.modules)) for path in kernel.modules.rglob("*.ko*"))
    inside = whole / "lib/modules" / release
    _link(kernel, everything, inside)
    _depmod(kernel.tree, whole, release, log)
    index = modules.Index(str(inside))
    names = [path for path in everything if wanted.wants(path.removeprefix("kernel/"))]
    chosen = sorted(os.path.relpath(path, inside) for path in index.order(names))
    shutil.rmtree(whole)
    return chosen


def fill(kernel: Kernel, wanted: Choice, folder: Path, log: Path) -> None:
    """Make `modules.sqsh`, and `first/` with what the initramfs loads and `first/order`, in `folder`."""
    release, top = kernel.release, folder / "tree"
    inside = top / "lib/modules" / release
    _link(kernel, _select(kernel, wanted, folder, log), inside)
    _depmod(kernel.tree, top, release, log)
    for table in inside.iterdir():
        if table.is_file() and table.name not in _KEPT:
            table.unlink()
    index = modules.Index(str(inside))
    first = folder / "first"
    first.mkdir()
    ordered = index.order(wanted.first)
    for path in ordered:
        shutil.copyfile(path, first / Path(path).name)
    (first / "order").write_text("".join(f"/modules/{Path(path).name}\n" for path in ordered))
    argv = ["mksquashfs", str(inside.parent), str(folder / "modules.sqsh"), "-noappend", "-no-progress", "-quiet"]
    # Modules are compressed already; only the tables gain.
    argv += ["-no-xattrs", "-all-root", "-comp", "zstd", "-b", "256K"]
    argv += ["-all-time", str(tarlayer.EPOCH), "-mkfs-time", str(tarlayer.EPOCH)]
    kernel.tree.run(argv, log=log, timeout_s=_TIMEOUT_S, shared=[inside.parent, folder])
    shutil.rmtree(top)
