"""talosctl restart."""

from __future__ import annotations

import argparse

from talos.talosctl import command
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Restart a container."""
    from talos.machinery.api._generated.common import common_pb2
    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.RestartRequest(
        id=args.id,
        namespace="k8s.io" if args.kubernetes else "system",
        driver=common_pb2.CRI if args.kubernetes else common_pb2.CONTAINERD,
    )
    _, code = await session.each_message("/machine.MachineService/Restart", request)
    return code


COMMAND = command.Command(
    path="restart",
    help="restart a container",
    run=run,
    arguments=(command.Argument("id", "id of the container"),),
    flags=(command.Flag("kubernetes", "Kubernetes container", short="k", kind="bool"),),
)
