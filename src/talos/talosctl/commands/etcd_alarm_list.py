"""talosctl etcd alarm list."""

from __future__ import annotations

import argparse

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print the alarms concerned."""
    from google.protobuf import empty_pb2

    from talos.machinery.api._generated.machine import machine_pb2

    replies, code = await session.each_message("/machine.MachineService/EtcdAlarmList", empty_pb2.Empty())
    name = machine_pb2.EtcdMemberAlarm.AlarmType.Name
    rows = [(node, f"{a.member_id:016x}", name(a.alarm)) for node, message in replies for a in message.member_alarms]
    if rows:
        output.table(("NODE", "MEMBER", "ALARM"), rows)
    return code


COMMAND = command.Command(path="etcd alarm list", help="list the alarms of etcd", run=run)
