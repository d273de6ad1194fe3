"""talosctl gen secureboot pcr."""

from __future__ import annotations

import argparse
from pathlib import Path

from talos.talosctl import command
from talos.talosctl.commands import _files
from talos.talosctl.commands.gen_secureboot_uki import OUTPUT
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Write the key."""
    from talos.pki import secureboot

    path = Path(args.output) / "pcr-signing-key.pem"
    _files.refuse([path], force=args.force)
    _files.write(path, secureboot.new_pcr_key(), _files.SECRET, force=args.force)
    _files.say_created(path)
    return None


COMMAND = command.Command(
    path="gen secureboot pcr",
    help="make the key that signs expected values of TPM registers",
    run=run,
    offline=True,
    flags=(OUTPUT, _files.FORCE),
    example="talosctl gen secureboot pcr",
)
