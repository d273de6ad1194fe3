"""Fetches the node's Python dependencies: wheels for its interpreter, from the hashed lock, whatever runs here."""

from __future__ import annotations

import email.parser
import zipfile
from collections.abc import Sequence
from pathlib import Path

from talos.base import errors
from talos.imager import cache, command, sbom

_PLATFORMS = ("manylinux_2_39", "manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux_2_5")


def _download(folder: Path, lock: Path, pip: Sequence[str], log: Path) -> None:
    argv = [
        *pip,
        "download",
        "--require-hashes",
        "--no-deps",
        "--only-binary=:all:",
        "-r",
        str(lock),
        "-d",
        str(folder),
    ]
    argv += ["--implementation", "cp", "--python-version", "3.13"]
    for abi in ("cp313", "abi3", "none"):
        argv += ["--abi", abi]
    for platform in _PLATFORMS:
        argv += ["--platform", f"{platform}_x86_64"]
    command.run(argv, log=log, timeout_s=1800)


def fetch(lock: Path, pip: Sequence[str], log: Path) -> Path:
    """Folder with the wheels that `lock` names."""
    kept = cache.Cache("wheels")
    return kept.build(cache.key(cache.file_sha256(lock)), lambda folder: _download(folder, lock, pip, log))


def unpack(wheels: Path, target: Path) -> None:
    """Lay the content of every wheel in `wheels` out in `target`."""
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            if spread := [name for name in archive.namelist() if ".data/" in name and "/scripts/" not in name]:
                raise errors.Unsupported(
                    f"{wheel.name} has a data folder, which no installer is here to spread: {spread[0]}"
                )
            archive.extractall(target, [name for name in archive.namelist() if ".data/" not in name])


def materials(wheels: Path) -> dict[str, sbom.Package]:
    """Path inside the target of `unpack` -> the wheel's package, for every file of every wheel."""
    found = {}
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            described = next(name for name in names if name.endswith(".dist-info/METADATA"))
            fields = email.parser.HeaderParser().parsestr(archive.read(described).decode())
        name, version = fields["Name"].lower(), fields["Version"]
        # Older metadata has free text in License, which is no SPDX expression.
        license = fields["License-Expression"] or "NOASSERTION"
        package = sbom.Package(name, version, license, f"pkg:pypi/{name}@{version}")
        found.update(dict.fromkeys(names, package))
    return found
