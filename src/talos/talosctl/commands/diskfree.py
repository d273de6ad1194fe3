"""talosctl diskfree."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from talos.base import errors
from talos.talosctl import command, output, resources
from talos.talosctl.session import Session

_MOUNTS, _VOLUMES = "MountStatuses.block.talos.dev", "VolumeStatuses.block.talos.dev"
_NAMESPACE = "runtime"
# Kinds of volumes that take the space of the one they are on.
_WITHOUT_FILE_SYSTEM = ("directory", "symlink", "overlay")
_SIZES = ("NODE", "VOLUME", "FILESYSTEM", "SIZE", "USED", "AVAILABLE", "USAGE", "MOUNT POINT")
_INODES = ("NODE", "VOLUME", "FILESYSTEM", "INODES", "IUSED", "IFREE", "%IUSED", "MOUNT POINT")


@dataclass(frozen=True, slots=True)
class Row:
    """A mounted volume and the statfs of its file system."""

    volume: str
    source: str
    target: str
    use: Any


def percent(used: int, total: int) -> str:
    """Share in percent, rounded up as df does; `-` of nothing."""
    return f"{-(-used * 100 // total)}%" if total else "-"


def binary_size(number: int) -> str:
    """Bytes for people in powers of 1024: `960MiB`, `1.5GiB`."""
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            return f"{value:.1f}{unit}" if value < 10 and unit != "B" and value % 1 else f"{value:.0f}{unit}"
        value /= 1024
    raise AssertionError("unreachable")


def count(number: int) -> str:
    """Inodes for people in powers of 1000: `1.2M`."""
    value = float(number)
    for unit in ("", "K", "M", "G"):
        if value < 1000 or unit == "G":
            return f"{value:.1f}".removesuffix(".0") + unit
        value /= 1000
    raise AssertionError("unreachable")


async def _get(session: Session, node: str, type: str, id: str = "") -> list[dict[str, Any]]:
    definition = resources.Definition(type, type, _NAMESPACE, (), ())
    return [
        resources.spec_data(found) or {} async for found in resources.read(session, node, definition, _NAMESPACE, id)
    ]


async def _check(session: Session, node: str, volume: str) -> None:
    """Raise NotFound, NotReady, Unsupported unless the volume has a file system of its own that can be looked at."""
    (found,) = await _get(session, node, _VOLUMES, volume)
    if found.get("phase") != "ready":
        raise errors.NotReady(f"volume {volume!r} is {found.get('phase')}, not ready")
    kind = found.get("type")
    if kind in _WITHOUT_FILE_SYSTEM or found.get("filesystem") == "swap":
        word = "swap" if found.get("filesystem") == "swap" else kind
        raise errors.Unsupported(f"volume {volume!r} is a {word} volume: it has no file system of its own")


async def _rows(session: Session, node: str, volume: str) -> list[Row]:
    from talos.machinery.api._generated.machine import storage_pb2

    if volume:
        await _check(session, node, volume)
    rows = []
    for found in await _get(session, node, _MOUNTS):
        id = str((found.get("spec") or {}).get("volumeID", ""))
        if not found.get("source") or found.get("detached") or volume not in ("", id):
            continue
        request = storage_pb2.StorageServiceStatfsRequest(path=found["target"])
        use = await session.unary("/machine.StorageService/Statfs", request, node=node)
        rows.append(Row(id, found["source"], found["target"], use))
    if volume and not rows:
        raise errors.NotFound(f"volume {volume!r} is not mounted")
    return rows


def _cells(row: Row, *, inodes: bool, exact: bool) -> tuple[str, ...]:
    u = row.use
    if inodes:
        numbers = [str(n) if exact else count(n) for n in (u.inodes, u.inodes_used, u.inodes_free)]
        return (row.volume, row.source, *numbers, percent(u.inodes_used, u.inodes), row.target)
    sizes = [str(n) if exact else binary_size(n) for n in (u.size, u.used, u.available)]
    return (row.volume, row.source, *sizes, percent(u.used, u.used + u.available), row.target)


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print the use of the mounted volumes that have a file system of their own."""
    answers, code = await session.each(lambda node: _rows(session, node, args.volume or ""))
    rows = [(node, *_cells(row, inodes=args.inodes, exact=args.bytes)) for node, found in answers for row in found]
    output.table(_INODES if args.inodes else _SIZES, rows)
    return code


COMMAND = command.Command(
    path="diskfree",
    help="show the free space of mounted volumes",
    run=run,
    aliases=("df",),
    arguments=(command.Argument("volume", "only this volume", count="?"),),
    flags=(
        command.Flag("bytes", "exact numbers", short="b", kind="bool"),
        command.Flag("inodes", "inodes instead of bytes", short="i", kind="bool"),
    ),
)
