"""talosctl list."""

from __future__ import annotations

import argparse
import datetime
from typing import Any

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.session import Session

_TYPES = {"f": "REGULAR", "file": "REGULAR", "d": "DIRECTORY", "directory": "DIRECTORY", "l": "SYMLINK", "L": "SYMLINK"}
_KINDS = ((1 << 31, "d"), (1 << 27, "L"), (1 << 26, "D"), (1 << 25, "p"), (1 << 24, "S"))


def mode_text(mode: int) -> str:
    """Mode as Go prints it: `drwxr-xr-x`, `Lrwxrwxrwx`, `-rw-r--r--`."""
    kind = next((letter for bit, letter in _KINDS if mode & bit), "-")
    if mode & (1 << 21):
        kind = "Dc"
    bits = "".join(letter if mode & (1 << (8 - n)) else "-" for n, letter in enumerate("rwxrwxrwx"))
    return kind + bits


def _row(node: str, info: Any, *, humanize: bool) -> tuple[str, ...]:
    size = output.size(info.size) if humanize else str(info.size)
    moment = datetime.datetime.fromtimestamp(info.modified, datetime.UTC)
    name = f"{info.relative_name} -> {info.link}" if info.link else info.relative_name
    return (node, mode_text(info.mode), str(info.uid), str(info.gid), size, f"{moment:%b %d %H:%M:%S %Y}", name)


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """List a directory of the nodes."""
    from talos.machinery.api._generated.machine import machine_pb2

    unknown = [t for t in args.type if t not in _TYPES]
    if unknown:
        raise errors.Invalid(f"--type: expected f, d or l, got {unknown[0]!r}")
    types = [machine_pb2.ListRequest.Type.Value(_TYPES[t]) for t in args.type]
    depth = -1 if args.recurse else args.depth
    request = machine_pb2.ListRequest(
        root=args.path or "/", recurse=depth != 1, recursion_depth=max(depth, 0), types=types
    )
    rows: list[tuple[str, ...]] = []
    failed = False

    def add(node: str, info: Any) -> None:
        nonlocal failed
        if info.error:
            output.say(f"{node}: error reading file {info.name}: {info.error}")
            failed = True
        elif args.long:
            rows.append(_row(node, info, humanize=args.humanize))
        else:
            rows.append((node, info.relative_name))

    code = await session.follow("/machine.MachineService/List", request, add)
    headers = ("NODE", "MODE", "UID", "GID", "SIZE(B)", "LASTMOD", "NAME") if args.long else ("NODE", "NAME")
    output.table(headers, rows)
    return code or int(failed)


COMMAND = command.Command(
    path="list",
    help="list a directory",
    run=run,
    aliases=("ls",),
    arguments=(command.Argument("path", "directory (default /)", count="?"),),
    flags=(
        command.Flag("long", "with mode, owner, size and time", short="l", kind="bool"),
        command.Flag("recurse", "with everything below", short="r", kind="bool"),
        command.Flag("depth", "how many levels", short="d", kind="int", default=1),
        command.Flag("humanize", "sizes for people", short="H", kind="bool"),
        command.Flag("type", "only files (f), directories (d), links (l)", short="t", kind="strings"),
    ),
)
