"""talosctl config endpoint."""

from __future__ import annotations

import argparse
import dataclasses

from talos.talosctl import command
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Set the endpoints of the context in use."""
    from talos.machinery.client import connection

    for endpoint in args.endpoint:
        connection.split_endpoint(endpoint)
    name, context = session.config.get(args.context)
    session.save(session.config.with_context(name, dataclasses.replace(context, endpoints=tuple(args.endpoint))))
    return None


COMMAND = command.Command(
    path="config endpoint",
    help="set the endpoints of the context",
    run=run,
    offline=True,
    arguments=(command.Argument("endpoint", "host, or host:port", count="+"),),
    aliases=("endpoints",),
)
