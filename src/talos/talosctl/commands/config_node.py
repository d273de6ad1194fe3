"""talosctl config node."""

from __future__ import annotations

import argparse
import dataclasses

from talos.talosctl import command
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Set the nodes commands ask when no --nodes are given."""
    name, context = session.config.get(args.context)
    session.save(session.config.with_context(name, dataclasses.replace(context, nodes=tuple(args.node))))
    return None


COMMAND = command.Command(
    path="config node",
    help="set the nodes of the context",
    run=run,
    offline=True,
    arguments=(command.Argument("node", "address or name of a node", count="*"),),
    aliases=("nodes",),
)
