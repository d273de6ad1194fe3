"""talosctl gen crt."""

from __future__ import annotations

import argparse
import datetime

from talos.talosctl import command
from talos.talosctl.commands import _files
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Sign a request for a client certificate; its organizations are roles, so they are kept."""
    from talos.pki import x509

    _files.need(name=args.name, ca=args.ca, csr=args.csr)
    authority = x509.Authority.load(_files.read(f"{args.ca}.crt"), _files.read(f"{args.ca}.key"))
    request = x509.load_request(_files.read(args.csr))
    lifetime = datetime.timedelta(hours=args.hours)
    signed = authority.sign_request(request, x509.CLIENT, lifetime=lifetime, keep_organization=True)
    _files.write(f"{args.name}.crt", signed, _files.SECRET, force=args.force)
    return None


COMMAND = command.Command(
    path="gen crt",
    help="sign a request for a client certificate",
    run=run,
    offline=True,
    flags=(
        command.Flag("name", "name of the file, without .crt"),
        command.Flag("ca", "files of the authority, without .crt and .key"),
        command.Flag("csr", "file with the request"),
        command.Flag("hours", "how long it is valid (default 24)", kind="int", default=24),
        _files.FORCE,
    ),
    example="talosctl gen crt --ca talos --csr admin.csr --name admin",
)
