"""talosctl machineconfig schema."""

from __future__ import annotations

import argparse

from talos.talosctl import command, output
from talos.talosctl.commands import _files
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Write the schema."""
    from talos.machinery.config import schema

    text = output.json_text(schema.whole()) + "\n"
    _files.write(args.output, text.encode(), _files.PUBLIC, force=True)
    return None


COMMAND = command.Command(
    path="machineconfig schema",
    help="write the JSON schema of the configuration, for editors",
    run=run,
    offline=True,
    flags=(command.Flag("output", "file to write, - for stdout", "o", default=_files.STDOUT, metavar="PATH"),),
    example="talosctl machineconfig schema -o config.schema.json",
)
