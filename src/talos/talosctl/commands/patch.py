"""talosctl patch."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import apply, command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Patch the active configuration of each node and apply the outcome."""
    from talos.machinery.config import loader, patcher

    apply.check_resource(args)
    given = [*args.patch, *([f"@{args.patch_file}"] if args.patch_file else [])]
    if not given:
        raise errors.Invalid("--patch or --patch-file is needed")
    patches = patcher.load_all(given)
    apply.request(b"", args)

    async def one(node: str) -> None:
        before = loader.load(await apply.active(session, node), name=f"configuration of {node}")
        after = patcher.patch(before, patches)
        if after.encode() == before.encode():
            output.say(f"{node}: the patch changes nothing, so nothing was applied")
            return
        await apply.send(session, node, after.encode(), args)
        output.say(f"patched {apply.TYPE}/{apply.ACTIVE} at the node {node}")

    return (await session.each(one))[1]


COMMAND = command.Command(
    path="patch",
    help="patch the configuration of a machine",
    run=run,
    arguments=apply.RESOURCE,
    flags=(
        command.Flag("patch", "patch: text or @file", short="p", kind="array"),
        command.Flag("patch-file", "file with a patch"),
        command.Flag("namespace", "namespace of the resource"),
        *apply.FLAGS,
    ),
    example="talosctl patch mc -p @patch.yaml",
)
