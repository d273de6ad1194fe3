"""talosctl cluster start."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.commands import _cluster
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Start what is not running of it."""
    from talos.provision import cluster

    wait_s = args.wait_timeout.total_seconds() if args.wait else None
    try:
        async with _cluster.shown(args, interrupted="repeat the command to go on") as view:
            await cluster.start(_cluster.store(args), args.name, view, wait_timeout_s=wait_s)
    except errors.TalosError as error:
        return _cluster.tell(error)
    return None


COMMAND = command.Command(
    path="cluster start",
    help="start a stopped local cluster, also after a reboot of this machine",
    run=run,
    flags=(*_cluster.COMMON_FLAGS, *_cluster.WAIT_FLAGS, _cluster.PROGRESS_FLAG),
)
