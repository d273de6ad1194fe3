"""talosctl config context."""

from __future__ import annotations

import argparse
import dataclasses

from talos.talosctl import command
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Make a context the one in use."""
    session.config.get(args.name)
    session.save(dataclasses.replace(session.config, context=args.name))
    return None


COMMAND = command.Command(
    path="config context",
    help="choose the context to use",
    run=run,
    offline=True,
    arguments=(command.Argument("name", "name of the context"),),
    aliases=("use-context",),
)
