"""talosctl cluster logs."""

from __future__ import annotations

import argparse
import asyncio
import sys

from talos.talosctl import command
from talos.talosctl.commands import _cluster
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print the consoles of one node or of all, each line with its node's name then."""
    from talos.provision import console

    cluster = _cluster.store(args).load(args.name)
    chosen = [cluster.request.node(args.machine)] if args.machine else list(cluster.request.nodes)
    prefixed = not args.machine

    async def show(name: str) -> None:
        prefix = f"{name}: " if prefixed else ""
        async for lines in console.read(cluster.node_folder(name), follow=args.follow):
            sys.stdout.write("".join(f"{prefix}{line}\n" for line in lines))
            sys.stdout.flush()

    if args.follow:
        await asyncio.gather(*(show(one.name) for one in chosen))
    else:
        for one in chosen:
            await show(one.name)
    return None


COMMAND = command.Command(
    path="cluster logs",
    help="print the consoles of a local cluster's nodes",
    run=run,
    arguments=(command.Argument("machine", "name or address of one node", count="?"),),
    flags=(*_cluster.COMMON_FLAGS, command.Flag("follow", "keep printing what is added", short="f", kind="bool")),
)
