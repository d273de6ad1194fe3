"""talosctl usage."""

from __future__ import annotations

import argparse
from typing import Any

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print the space files and directories take."""
    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.DiskUsageRequest(
        recursion_depth=args.depth + 1, all=args.all, threshold=args.threshold, paths=args.path or ["/"]
    )
    rows: list[tuple[str, str, str]] = []
    failed = False

    def add(node: str, info: Any) -> None:
        nonlocal failed
        if info.error:
            output.say(f"{node}: error reading {info.name}: {info.error}")
            failed = True
            return
        rows.append((node, output.size(info.size) if args.humanize else str(info.size), info.relative_name))

    code = await session.follow("/machine.MachineService/DiskUsage", request, add)
    if len(session.nodes) > 1:
        output.table(("NODE", "SIZE", "NAME"), rows)
    else:
        output.table(("SIZE", "NAME"), [row[1:] for row in rows])
    return code or int(failed)


COMMAND = command.Command(
    path="usage",
    help="show the space files take",
    run=run,
    aliases=("du",),
    arguments=(command.Argument("path", "directories (default /)", count="*"),),
    flags=(
        command.Flag("all", "files too", short="a", kind="bool"),
        command.Flag("depth", "levels to print below a path", short="d", kind="int", default=0),
        command.Flag("humanize", "sizes for people", short="H", kind="bool"),
        command.Flag("threshold", "only from this size up; negative: up to it", short="t", kind="int", default=0),
    ),
)
