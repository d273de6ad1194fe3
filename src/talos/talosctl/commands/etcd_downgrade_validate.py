"""talosctl etcd downgrade validate."""

from __future__ import annotations

import argparse

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Check whether etcd could be downgraded to a version."""
    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.EtcdDowngradeValidateRequest(version=args.version)
    replies, code = await session.each_message("/machine.MachineService/EtcdDowngradeValidate", request)
    rows = [(node, message.cluster_downgrade.cluster_version) for node, message in replies]
    output.table(("NODE", "CLUSTER VERSION"), rows)
    return code


COMMAND = command.Command(
    path="etcd downgrade validate",
    help="check whether etcd can be downgraded",
    run=run,
    arguments=(command.Argument("version", "version to go back to, such as 3.6"),),
)
