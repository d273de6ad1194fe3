"""talosctl cluster node remove."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.commands import _cluster
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Take the node out of etcd and Kubernetes, end it, remove it."""
    from talos.provision import membership

    try:
        async with _cluster.shown(args) as view:
            gone = await membership.remove_node(_cluster.store(args), args.name, args.node, view, force=args.force)
    except errors.TalosError as error:
        return _cluster.tell(error)
    output.say(f"removed {gone.name}")
    return None


COMMAND = command.Command(
    path="cluster node remove",
    help="remove a node from a local cluster",
    run=run,
    arguments=(command.Argument("node", "name or address of the node"),),
    flags=(
        *_cluster.COMMON_FLAGS,
        command.Flag("force", "remove it even if it cannot leave etcd and Kubernetes", short="f", kind="bool"),
        _cluster.PROGRESS_FLAG,
    ),
)
