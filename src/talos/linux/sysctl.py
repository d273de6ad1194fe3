"""Kernel parameters under /proc/sys and /sys.

Names: dots or slashes between parts, as sysctl(8) takes them; a name with slashes may hold dots in a part
(`net/ipv4/conf/eth0.100/rp_filter`).
"""

from __future__ import annotations

from pathlib import Path

from talos.base import errors

ROOT = Path("/proc/sys")


def path(name: str, root: Path = ROOT) -> Path:
    """Return the file of a parameter. Raises Invalid for a name that leaves the tree."""
    first = next((char for char in name if char in "./"), ".")
    parts = name.split(first)
    if first == ".":
        parts = [part.replace("/", ".") for part in parts]
    if not all(parts) or any(part in ("", ".", "..") for part in parts):
        raise errors.Invalid(f"kernel parameter {name!r} is not a valid name")
    return root.joinpath(*parts)


def read(name: str, root: Path = ROOT) -> str:
    """Return the value without the trailing newline. Raises OSError."""
    return path(name, root).read_text().rstrip("\n")


def write(name: str, value: str, root: Path = ROOT) -> None:
    """Set the value. Raises OSError; FileNotFoundError when this kernel does not have the parameter."""
    file = path(name, root)
    with file.open("r+" if file.exists() else "r", encoding="utf-8") as target:
        target.write(value)
