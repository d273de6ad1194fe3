"""talosctl gen keypair."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.commands import _files
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Write ORGANIZATION.crt and .key: a self-signed authority for one address."""
    from talos.machinery.config import checks
    from talos.pki import x509

    name = args.organization
    _files.need(organization=name)
    if args.ip and (found := checks.address(args.ip)):
        raise errors.Invalid([errors.Problem(found, "--ip")])
    _files.refuse([f"{name}.crt", f"{name}.key"], force=args.force)
    addresses = (args.ip,) if args.ip else ()
    made = x509.Authority.new(x509.new_ed25519_key(), organizations=[name], addresses=addresses)
    _files.write(f"{name}.crt", made.crt_pem, _files.SECRET, force=args.force)
    _files.write(f"{name}.key", made.key_pem, _files.SECRET, force=args.force)
    return None


COMMAND = command.Command(
    path="gen keypair",
    help="make a self-signed certificate and its key",
    run=run,
    offline=True,
    flags=(
        command.Flag("organization", "organization in its subject, and name of the files"),
        command.Flag("ip", "address the certificate is for"),
        _files.FORCE,
    ),
)
