"""talosctl shutdown."""

from __future__ import annotations

import argparse

from talos.talosctl import action, command
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Shut nodes down and wait until they are gone."""
    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.ShutdownRequest(force=args.force)
    return await action.run(session, "/machine.MachineService/Shutdown", request, args, ends=action.Ends.GONE)


COMMAND = command.Command(
    path="shutdown",
    help="shut nodes down",
    run=run,
    flags=(command.Flag("force", "do not drain the node first", kind="bool"), *action.FLAGS),
)
