"""talosctl config merge."""

from __future__ import annotations

import argparse
from pathlib import Path

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Add the contexts of another talosconfig; a taken name gets a number."""
    from talos.machinery.client import talosconfig

    merged = session.config
    renamed: list[tuple[str, str]] = []
    for source in args.source:
        merged, new = merged.merged(talosconfig.parse(Path(source).read_bytes(), source))
        renamed += new.items()
    session.save(merged)
    for old, now in renamed:
        output.say(f'renamed talosconfig context "{old}" -> "{now}"')
    return None


COMMAND = command.Command(
    path="config merge",
    help="add the contexts of another talosconfig",
    run=run,
    offline=True,
    arguments=(command.Argument("source", "path of another talosconfig", count="+"),),
)
