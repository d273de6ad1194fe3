"""talosctl cluster reboot."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.commands import _cluster
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Press the reset button."""
    from talos.provision import cluster

    try:
        async with _cluster.shown(args) as view:
            await cluster.reset_nodes(_cluster.store(args), args.name, args.node, view)
    except errors.TalosError as error:
        return _cluster.tell(error)
    return None


COMMAND = command.Command(
    path="cluster reboot",
    help="reset nodes of a local cluster without shutting them down",
    run=run,
    flags=(
        *_cluster.COMMON_FLAGS,
        command.Flag("node", "name or address of a node (repeatable; default all)", short="n", kind="strings"),
        _cluster.PROGRESS_FLAG,
    ),
)
