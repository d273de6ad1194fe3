"""Where QEMU and its UEFI firmware are on this machine.

An installed QEMU comes first; else the build's own package tree, which has both and needs nothing of this machine but
its kernel: its programs are started through the tree's own dynamic loader.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from talos.base import errors
from talos.provision.providers.qemu.hardware import Emulator

PROGRAM = "qemu-system-x86_64"
_FIRMWARE = (
    ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"),
    ("OVMF_CODE.4m.fd", "OVMF_VARS.4m.fd"),
    ("OVMF_CODE.fd", "OVMF_VARS.fd"),
)
_FOLDERS = ("/usr/share/OVMF", "/usr/share/edk2/ovmf", "/usr/share/edk2/x64", "/usr/share/edk2-ovmf/x64")
_LIBRARIES = "usr/lib/x86_64-linux-gnu"


def caches() -> Path:
    """What the build keeps: `$XDG_CACHE_HOME/talos`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "talos"


def machine_image() -> Path:
    """The disk image a new machine starts from, of the last build. Raises NotFound."""
    found = (caches() / "machines" / "current" / "disk.raw").resolve()
    if not found.exists():
        raise errors.NotFound(f"no machine image at {found}; `./dev image --vm` builds it")
    return found


def find(search: Sequence[str] = ()) -> Emulator:
    """QEMU with firmware; `search`: folders to look for firmware in first. Raises Unsupported."""
    path = f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin"
    installed = shutil.which(PROGRAM, path=path)
    if installed is not None and (pair := firmware([*search, *_FOLDERS])) is not None:
        return Emulator((installed,), *pair)
    trees = sorted(caches().glob(f"sysroots/*/root/usr/bin/{PROGRAM}"), key=lambda one: one.stat().st_mtime)
    for program in reversed(trees):
        tree = program.parents[2]
        if (pair := firmware([*search, f"{tree}/usr/share/OVMF"])) is not None:
            return _of_tree(tree, pair)
    if installed is not None:
        raise errors.Unsupported("QEMU is installed but no UEFI firmware for it is (Debian package ovmf)")
    raise errors.Unsupported(f"the program {PROGRAM} is missing (Debian packages qemu-system-x86 and ovmf)")


def firmware(folders: Sequence[str]) -> tuple[str, str] | None:
    """Code and variables of the first folder that has both."""
    for folder in folders:
        for code, variables in _FIRMWARE:
            if Path(folder, code).exists() and Path(folder, variables).exists():
                return f"{folder}/{code}", f"{folder}/{variables}"
    return None


def _of_tree(tree: Path, pair: tuple[str, str]) -> Emulator:
    libraries = tree / _LIBRARIES
    loader = [
        str(tree / "lib64/ld-linux-x86-64.so.2"),
        "--library-path",
        str(libraries),
        str(tree / "usr/bin" / PROGRAM),
    ]
    data = [word for name in ("qemu", "seabios") for word in ("-L", str(tree / "usr/share" / name))]
    return Emulator((*loader, *data), *pair, {"QEMU_MODULE_DIR": str(libraries / "qemu")})
