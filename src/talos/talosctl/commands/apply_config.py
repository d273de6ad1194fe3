"""talosctl apply-config."""

from __future__ import annotations

import argparse
from pathlib import Path

from talos.base import errors
from talos.talosctl import apply, command
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Send a configuration to nodes."""
    if args.file and args.path:
        raise errors.Invalid("the configuration is named twice, by --file and as an argument")
    name = args.file or args.path
    if not name:
        raise errors.Invalid("--file is needed: the configuration to apply")
    data = Path(name).read_bytes()
    if args.config_patch:
        from talos.machinery.config import loader, patcher

        data = patcher.patch(loader.load(data, name=name), patcher.load_all(args.config_patch)).encode()
    apply.request(data, args)
    return (await session.each(lambda node: apply.send(session, node, data, args)))[1]


COMMAND = command.Command(
    path="apply-config",
    help="apply a configuration to a machine",
    run=run,
    aliases=("apply",),
    arguments=(command.Argument("path", "the same as --file", count="?"),),
    flags=(
        command.Flag("file", "file with the configuration", short="f"),
        command.Flag("config-patch", "patch to apply first: text or @file", short="p", kind="array"),
        *apply.FLAGS,
        *command.INSECURE_FLAGS,
    ),
    example="talosctl apply-config -f worker.yaml --insecure -n 10.5.0.3",
)
