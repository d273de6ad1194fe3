"""talosctl meta write."""

from __future__ import annotations

import argparse

from talos.talosctl import command, meta
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Write a value of the META partition."""
    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.MetaWriteRequest(key=meta.key(args.key), value=args.value.encode())
    return (await session.each_message("/machine.MachineService/MetaWrite", request))[1]


COMMAND = command.Command(
    path="meta write",
    help="write a value of the META partition",
    run=run,
    arguments=(
        command.Argument("key", "number of the key, such as 0x0a"),
        command.Argument("value", "text to keep"),
    ),
    flags=command.INSECURE_FLAGS,
)
