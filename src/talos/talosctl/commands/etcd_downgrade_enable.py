"""talosctl etcd downgrade enable."""

from __future__ import annotations

import argparse

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Start the downgrade of etcd to an older minor version."""
    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.EtcdDowngradeEnableRequest(version=args.version)
    replies, code = await session.each_message("/machine.MachineService/EtcdDowngradeEnable", request)
    rows = [(node, message.cluster_downgrade.cluster_version) for node, message in replies]
    output.table(("NODE", "CLUSTER VERSION"), rows)
    return code


COMMAND = command.Command(
    path="etcd downgrade enable",
    help="start a downgrade of etcd",
    run=run,
    arguments=(command.Argument("version", "version to go back to, such as 3.6"),),
)
