"""talosctl list."""

from __future__ import annotations

import argparse
import datetime
from typing import Any

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.session import Session

_TYPES = {"f": "REGULAR", "d": "DIRECTORY", "l": "SYMLINK", "L": "SYMLINK"}
# Bits of Go's fs.FileMode from 31 down, by the letter fs.FileMode.String gives them.
_LETTERS = "dalTLDpSugct?"
_LONG = ("NODE", "MODE", "UID", "GID", "SIZE(B)", "LASTMOD", "LABEL", "NAME")
_SIX_MONTHS = datetime.timedelta(days=180)
_LABEL = "security.selinux"


def mode_text(mode: int) -> str:
    """Mode as Go prints it: `drwxr-xr-x`, `Lrwxrwxrwx`, `-rw-r--r--`, `dtrwxrwxrwx`."""
    kind = "".join(letter for n, letter in enumerate(_LETTERS) if mode & (1 << (31 - n))) or "-"
    bits = "".join(letter if mode & (1 << (8 - n)) else "-" for n, letter in enumerate("rwxrwxrwx"))
    return kind + bits


def moment_text(moment: datetime.datetime, now: datetime.datetime) -> str:
    """Time of a change: without the year when it is recent, without the seconds when it is not."""
    day = f"{moment:%b} {moment.day:>2}"
    return f"{day} {moment:%H:%M:%S}" if now - moment < _SIX_MONTHS else f"{day} {moment:%Y %H:%M}"


def _row(node: str, info: Any, *, humanize: bool) -> tuple[str, ...]:
    size = output.size(info.size) if humanize else str(info.size)
    moment = datetime.datetime.fromtimestamp(info.modified, datetime.UTC)
    now = datetime.datetime.now(datetime.UTC)
    changed = output.ago(now - moment) if humanize else moment_text(moment.astimezone(), now.astimezone())
    label = next((x.data.strip(b"\0\n").decode(errors="replace") for x in info.xattrs if x.name == _LABEL), "")
    name = f"{info.relative_name} -> {info.link}" if info.link else info.relative_name
    return (node, mode_text(info.mode), str(info.uid), str(info.gid), size, changed, label, name)


def _types(wanted: list[str]) -> list[Any]:
    from talos.machinery.api._generated.machine import machine_pb2

    letters = "".join(wanted)
    unknown = next((letter for letter in letters if letter not in _TYPES), None)
    if unknown is not None:
        raise errors.Invalid(f"--type: expected letters of f, d, l, got {unknown!r}")
    return [machine_pb2.ListRequest.Type.Value(_TYPES[letter]) for letter in letters]


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """List a directory of the nodes."""
    from talos.machinery.api._generated.machine import machine_pb2

    if args.recurse and args.depth != 1:
        raise errors.Invalid("--recurse and --depth exclude each other")
    request = machine_pb2.ListRequest(
        root=args.path or "/",
        recurse=args.recurse or args.depth > 1,
        recursion_depth=-1 if args.recurse else args.depth,
        types=_types(args.type),
        report_xattrs=args.long,
    )
    several = len(session.nodes) > 1
    rows: list[tuple[str, ...]] = []
    failed = False

    def add(node: str, info: Any) -> None:
        nonlocal failed
        if info.error:
            output.say(f"{node}: error reading file {info.name}: {info.error}")
            failed = True
        elif args.long:
            rows.append(_row(node, info, humanize=args.humanize))
        elif several:
            rows.append((node, info.relative_name))
        else:
            print(info.relative_name)

    code = await session.follow("/machine.MachineService/List", request, add)
    if rows:
        output.table(_LONG if args.long else ("NODE", "NAME"), rows)
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
        command.Flag("type", "only files (f), directories (d), links (l); letters add up", short="t", kind="strings"),
    ),
)
