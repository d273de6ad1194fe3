"""talosctl gen secureboot uki."""

from __future__ import annotations

import argparse
from pathlib import Path

from talos.talosctl import command
from talos.talosctl.commands import _files
from talos.talosctl.session import Session

OUTPUT = command.Flag("output", "folder the files are written to", short="o", default="_out", metavar="FOLDER")
CERTIFICATE, KEY = "uki-signing-cert.pem", "uki-signing-key.pem"


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Write the key and its certificate."""
    from talos.pki import secureboot

    folder = Path(args.output)
    paths = {name: folder / name for name in (CERTIFICATE, "uki-signing-cert.der", KEY)}
    _files.refuse(paths.values(), force=args.force)
    made = secureboot.new_signing(args.common_name)
    contents = (made.certificate_pem, made.certificate_der, made.key_pem)
    for path, data in zip(paths.values(), contents, strict=True):
        _files.write(path, data, _files.SECRET if path.name == KEY else _files.PUBLIC, force=args.force)
        _files.say_created(path)
    return None


COMMAND = command.Command(
    path="gen secureboot uki",
    help="make the key and certificate boot assets are signed with",
    run=run,
    offline=True,
    flags=(
        command.Flag("common-name", "common name of the certificate", default="Test UKI Signing Key"),
        OUTPUT,
        _files.FORCE,
    ),
    example="talosctl gen secureboot uki --common-name 'boot assets of example.org'",
)
