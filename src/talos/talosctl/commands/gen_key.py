"""talosctl gen key."""

from __future__ import annotations

import argparse

from talos.talosctl import command
from talos.talosctl.commands import _files
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Write NAME.key."""
    from talos.pki import x509

    _files.need(name=args.name)
    _files.write(f"{args.name}.key", x509.encode_key(x509.new_ed25519_key()), _files.SECRET, force=args.force)
    return None


COMMAND = command.Command(
    path="gen key",
    help="make an Ed25519 private key",
    run=run,
    offline=True,
    flags=(command.Flag("name", "name of the file, without .key"), _files.FORCE),
    example="talosctl gen key --name admin",
)
