"""talosctl dmesg."""

from __future__ import annotations

import argparse
from typing import Any

from talos.talosctl import command
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print the kernel log."""
    from talos.machinery.api._generated.machine import machine_pb2

    def show(node: str, message: Any) -> None:
        print(f"{node}: {message.bytes.decode(errors='replace')}", flush=args.follow)

    request = machine_pb2.DmesgRequest(follow=args.follow, tail=args.tail)
    return await session.follow("/machine.MachineService/Dmesg", request, show)


COMMAND = command.Command(
    path="dmesg",
    help="print the kernel log",
    run=run,
    flags=(
        command.Flag("follow", "print new messages as they come", short="f", kind="bool"),
        command.Flag("tail", "only new messages", kind="bool"),
        *command.INSECURE_FLAGS,
    ),
)
