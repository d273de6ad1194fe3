"""talosctl gen ca."""

from __future__ import annotations

import argparse
import datetime

from talos.talosctl import command
from talos.talosctl.commands import _files
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Write ORGANIZATION.crt, .key, and .sha256 with the fingerprint of the certificate."""
    from talos.pki import x509

    name = args.organization
    _files.need(organization=name)
    _files.refuse([f"{name}.crt", f"{name}.sha256", f"{name}.key"], force=args.force)
    key = x509.new_rsa_key() if args.rsa else x509.new_ed25519_key()
    made = x509.Authority.new(key, organizations=[name], lifetime=datetime.timedelta(hours=args.hours))
    _files.write(f"{name}.crt", made.crt_pem, _files.SECRET, force=args.force)
    _files.write(f"{name}.sha256", made.fingerprint.encode(), _files.SECRET, force=args.force)
    _files.write(f"{name}.key", made.key_pem, _files.SECRET, force=args.force)
    return None


COMMAND = command.Command(
    path="gen ca",
    help="make a self-signed certificate authority",
    run=run,
    offline=True,
    flags=(
        command.Flag("organization", "organization in its subject, and name of the files"),
        command.Flag("hours", "how long it is valid (default 87600)", kind="int", default=87600),
        command.Flag("rsa", "use an RSA key instead of an Ed25519 one", kind="bool"),
        _files.FORCE,
    ),
    example="talosctl gen ca --organization talos",
)
