"""talosctl rollback."""

from __future__ import annotations

import argparse

from talos.talosctl import command
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Go back to the system installed before, and reboot."""
    from talos.machinery.api._generated.machine import machine_pb2

    return (await session.each_message("/machine.MachineService/Rollback", machine_pb2.RollbackRequest()))[1]


COMMAND = command.Command(path="rollback", help="go back to the system installed before", run=run)
