"""talosctl etcd forfeit-leadership."""

from __future__ import annotations

import argparse

from talos.talosctl import command
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Ask the nodes."""
    from talos.machinery.api._generated.machine import machine_pb2

    _, code = await session.each_message(
        "/machine.MachineService/EtcdForfeitLeadership", machine_pb2.EtcdForfeitLeadershipRequest()
    )
    return code


COMMAND = command.Command(path="etcd forfeit-leadership", help="have a node give up the leadership of etcd", run=run)
