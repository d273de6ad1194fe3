"""talosctl machineconfig patch."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.commands import _files
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Patch a configuration in a file; the file stays as it is unless it is named as output too."""
    from talos.machinery.config import loader, patcher

    if not args.patch:
        raise errors.Invalid("--patch is needed")
    patches = patcher.load_all(args.patch)
    patched = patcher.patch(loader.load(_files.read(args.file), name=args.file), patches)
    _files.write(args.output or _files.STDOUT, patched.encode(), _files.PUBLIC, force=True)
    return None


COMMAND = command.Command(
    path="machineconfig patch",
    help="patch a configuration in a file",
    run=run,
    offline=True,
    arguments=(command.Argument("file", "configuration, - for stdin"),),
    flags=(
        command.Flag("patch", "patch: text or @file; several are applied in order", short="p", kind="array"),
        command.Flag("output", "file to write (default: stdout)", short="o", metavar="PATH"),
    ),
    example="talosctl machineconfig patch worker.yaml -p @patch.yaml -o worker-1.yaml",
)
