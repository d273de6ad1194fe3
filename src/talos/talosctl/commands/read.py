"""talosctl read."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from talos.talosctl import command
from talos.talosctl.session import Session, single


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print a file of one node."""
    from talos.machinery.api._generated.machine import machine_pb2

    single(session.nodes, "read")

    def show(node: str, message: Any) -> None:
        sys.stdout.buffer.write(message.bytes)

    code = await session.follow("/machine.MachineService/Read", machine_pb2.ReadRequest(path=args.path), show)
    sys.stdout.buffer.flush()
    return code


COMMAND = command.Command(
    path="read",
    help="print a file",
    run=run,
    aliases=("cat",),
    arguments=(command.Argument("path", "absolute path on the node"),),
)
