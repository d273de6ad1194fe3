"""talosctl containers."""

from __future__ import annotations

import argparse

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """List containers of the system or of Kubernetes."""
    from talos.machinery.api._generated.common import common_pb2
    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.ContainersRequest(
        namespace="k8s.io" if args.kubernetes else "system",
        driver=common_pb2.CRI if args.kubernetes else common_pb2.CONTAINERD,
    )
    replies, code = await session.each_message("/machine.MachineService/Containers", request)
    rows = []
    for node, message in replies:
        for c in sorted(message.containers, key=lambda c: c.id):
            name = f"└─ {c.id}" if c.id != c.pod_id and args.kubernetes else c.id
            rows.append((node, c.namespace, name, c.image, c.pid if c.pid else "", c.status))
    output.table(("NODE", "NAMESPACE", "ID", "IMAGE", "PID", "STATUS"), rows)
    return code


COMMAND = command.Command(
    path="containers",
    help="list containers",
    run=run,
    aliases=("c",),
    flags=(command.Flag("kubernetes", "Kubernetes containers", short="k", kind="bool"),),
)
