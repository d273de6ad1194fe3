"""talosctl gen csr."""

from __future__ import annotations

import argparse
from pathlib import Path

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.commands import _files
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Write a request for a client certificate beside the key."""
    from talos.machinery.config import checks
    from talos.pki import x509

    _files.need(key=args.key, ip=args.ip)
    problems = [errors.Problem(found, "--roles") for role in args.roles if (found := checks.role(role))]
    if found := checks.address(args.ip):
        problems.append(errors.Problem(found, "--ip"))
    if problems:
        raise errors.Invalid(problems)
    subject = x509.Subject(organizations=tuple(sorted(set(args.roles))), addresses=(args.ip,))
    request = x509.make_request(x509.load_key(_files.read(args.key)), subject)
    _files.write(Path(args.key).with_suffix(".csr"), request, _files.SECRET, force=args.force)
    return None


COMMAND = command.Command(
    path="gen csr",
    help="make a request for a client certificate",
    run=run,
    offline=True,
    flags=(
        command.Flag("key", "file with the private key"),
        command.Flag("ip", "address the certificate is for"),
        command.Flag("roles", "roles of the certificate (default os:admin)", kind="strings", default=("os:admin",)),
        _files.FORCE,
    ),
    example="talosctl gen csr --key admin.key --ip 127.0.0.1",
)
