"""talosctl config proxy-url."""

from __future__ import annotations

import argparse
import dataclasses

from talos.talosctl import command
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Set, or without an argument clear, the proxy of the context in use."""
    name, context = session.config.get(args.context)
    session.save(session.config.with_context(name, dataclasses.replace(context, proxy_url=args.url or "")))
    return None


COMMAND = command.Command(
    path="config proxy-url",
    help="set the proxy of the context",
    run=run,
    arguments=(command.Argument("url", "URL of the proxy", count="?"),),
)
