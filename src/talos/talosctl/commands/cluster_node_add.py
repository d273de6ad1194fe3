"""talosctl cluster node add."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.commands import _cluster
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Start one more node."""
    from talos.provision import membership, request

    role = request.Role.CONTROL_PLANE if args.control_plane else request.Role.WORKER
    wait_s = args.wait_timeout.total_seconds() if args.wait else None
    limits = _cluster.resources(args.cpus, args.memory, args.disk)
    try:
        async with _cluster.shown(args) as view:
            _, added = await membership.add_node(
                _cluster.store(args), args.name, role, limits, view, wait_timeout_s=wait_s
            )
    except errors.TalosError as error:
        return _cluster.tell(error)
    output.say(f"added {added.name} at {added.ip}")
    return None


COMMAND = command.Command(
    path="cluster node add",
    help="add a node to a local cluster",
    run=run,
    flags=(
        *_cluster.COMMON_FLAGS,
        command.Flag("control-plane", "make it a control plane", kind="bool"),
        command.Flag("cpus", "CPUs of the node (default 2.0)", default="2.0"),
        command.Flag("memory", "memory of the node (default 2.0GiB)", default="2.0GiB"),
        command.Flag("disk", "size of its EPHEMERAL file system (default 10GiB)", default="10GiB"),
        *_cluster.WAIT_FLAGS,
        _cluster.PROGRESS_FLAG,
    ),
)
