"""talosctl cluster stop."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.commands import _cluster
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Shut its nodes down."""
    from talos.provision import cluster

    try:
        async with _cluster.shown(args, interrupted="repeat the command to shut down the rest") as view:
            await cluster.stop(_cluster.store(args), args.name, view, grace_s=args.grace.total_seconds())
    except errors.TalosError as error:
        return _cluster.tell(error)
    return None


COMMAND = command.Command(
    path="cluster stop",
    help="shut a local cluster down, keeping its disks",
    run=run,
    flags=(
        *_cluster.COMMON_FLAGS,
        command.Flag(
            "grace", "how long a node may take before its power is cut (default 3m)", kind="duration", default="3m"
        ),
        _cluster.PROGRESS_FLAG,
    ),
)
