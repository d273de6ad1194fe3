"""talosctl config merge."""

from __future__ import annotations

import argparse
from pathlib import Path

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Add the contexts of another talosconfig; a taken name gets a number."""
    from talos.machinery.client import talosconfig

    other = talosconfig.parse(Path(args.source).read_bytes(), args.source)
    merged, renamed = session.config.merged(other)
    session.save(merged)
    for old, new in renamed.items():
        output.say(f"renamed talosconfig context {old!r} -> {new!r}")
    return None


COMMAND = command.Command(
    path="config merge",
    help="add the contexts of another talosconfig",
    run=run,
    arguments=(command.Argument("source", "path of the other talosconfig"),),
)
