"""talosctl config contexts."""

from __future__ import annotations

import argparse

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """List the contexts; a star marks the one in use."""
    config = session.config
    rows = [
        ("*" if name == config.context else "", name, ",".join(context.endpoints), ",".join(context.nodes))
        for name, context in sorted(config.contexts.items())
    ]
    output.table(("CURRENT", "NAME", "ENDPOINTS", "NODES"), rows)
    return None


COMMAND = command.Command(
    path="config contexts",
    help="list the contexts",
    run=run,
    offline=True,
    aliases=("get-contexts",),
)
