"""talosctl etcd defrag."""

from __future__ import annotations

import argparse

from talos.talosctl import command
from talos.talosctl.session import Session, single


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Give unused space of one member's database back; it does not answer meanwhile."""
    from google.protobuf import empty_pb2

    node = single(session.nodes, "etcd defrag")
    await session.unary("/machine.MachineService/EtcdDefragment", empty_pb2.Empty(), node=node, timeout_s=600)
    return None


COMMAND = command.Command(path="etcd defrag", help="shrink the database of one member", run=run)
