"""talosctl etcd downgrade cancel."""

from __future__ import annotations

import argparse

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Stop a downgrade of etcd that is under way."""
    from google.protobuf import empty_pb2

    replies, code = await session.each_message("/machine.MachineService/EtcdDowngradeCancel", empty_pb2.Empty())
    rows = [(node, message.cluster_downgrade.cluster_version) for node, message in replies]
    output.table(("NODE", "CLUSTER VERSION"), rows)
    return code


COMMAND = command.Command(path="etcd downgrade cancel", help="stop a downgrade of etcd", run=run)
