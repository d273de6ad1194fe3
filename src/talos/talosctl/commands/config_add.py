"""talosctl config add."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Add a context made of certificate files, and use it."""
    from talos.machinery.client import talosconfig

    if args.name in session.config.contexts:
        raise errors.AlreadyExists(f"context {args.name!r} exists already")
    ca, crt, key = (Path(p).read_bytes() if p else b"" for p in (args.ca, args.crt, args.key))
    added = session.config.with_context(args.name, talosconfig.Context(ca=ca, crt=crt, key=key))
    session.save(dataclasses.replace(added, context=added.context or args.name))
    return None


COMMAND = command.Command(
    path="config add",
    help="add a context",
    run=run,
    offline=True,
    arguments=(command.Argument("name", "name of the new context"),),
    flags=(
        command.Flag("ca", "path of the authority's certificate"),
        command.Flag("crt", "path of the client certificate"),
        command.Flag("key", "path of the client key"),
    ),
)
