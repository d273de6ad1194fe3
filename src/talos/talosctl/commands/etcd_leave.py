"""talosctl etcd leave."""

from __future__ import annotations

import argparse

from talos.talosctl import command
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Ask the nodes."""
    from talos.machinery.api._generated.machine import machine_pb2

    _, code = await session.each_message(
        "/machine.MachineService/EtcdLeaveCluster", machine_pb2.EtcdLeaveClusterRequest()
    )
    return code


COMMAND = command.Command(path="etcd leave", help="have nodes leave etcd", run=run)
