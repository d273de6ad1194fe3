"""talosctl gen secureboot database."""

from __future__ import annotations

import argparse
from pathlib import Path

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.commands import _files
from talos.talosctl.commands.gen_secureboot_uki import CERTIFICATE, KEY, OUTPUT
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Write PK.auth, KEK.auth and db.auth."""
    from talos.pki import secureboot, x509

    if args.include_well_known_uefi_certs:
        raise errors.Unsupported(
            "--include-well-known-uefi-certs: this release carries no certificates of other vendors; "
            "append theirs, as PEM, to the file of --enrolled-certificate"
        )
    paths = {name: Path(args.output) / f"{name}.auth" for name in secureboot.VARIABLES}
    _files.refuse(paths.values(), force=args.force)
    signing = x509.KeyPair(_files.read(args.signing_certificate), _files.read(args.signing_key))
    for name, data in secureboot.database(_files.read(args.enrolled_certificate), signing).items():
        _files.write(paths[name], data, _files.PUBLIC, force=args.force)
        _files.say_created(paths[name])
    return None


COMMAND = command.Command(
    path="gen secureboot database",
    help="make the signed databases a machine's firmware enrols the certificate from",
    run=run,
    offline=True,
    flags=(
        command.Flag("enrolled-certificate", "certificate to enrol", default=f"_out/{CERTIFICATE}", metavar="FILE"),
        command.Flag("include-well-known-uefi-certs", "enrol those of Microsoft, too", kind="bool"),
        command.Flag("signing-certificate", "certificate that signs", default=f"_out/{CERTIFICATE}", metavar="FILE"),
        command.Flag("signing-key", "its key", default=f"_out/{KEY}", metavar="FILE"),
        OUTPUT,
        _files.FORCE,
    ),
    example="talosctl gen secureboot uki && talosctl gen secureboot database",
)
