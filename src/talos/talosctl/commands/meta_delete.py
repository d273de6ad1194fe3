"""talosctl meta delete."""

from __future__ import annotations

import argparse

from talos.talosctl import command, meta
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Delete a value of the META partition."""
    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.MetaDeleteRequest(key=meta.key(args.key))
    return (await session.each_message("/machine.MachineService/MetaDelete", request))[1]


COMMAND = command.Command(
    path="meta delete",
    help="delete a value of the META partition",
    run=run,
    arguments=(command.Argument("key", "number of the key, such as 0x0a"),),
    flags=command.INSECURE_FLAGS,
)
