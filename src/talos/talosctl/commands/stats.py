"""talosctl stats."""

from __future__ import annotations

import argparse

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print what containers use."""
    from talos.machinery.api._generated.common import common_pb2
    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.StatsRequest(
        namespace="k8s.io" if args.kubernetes else "system",
        driver=common_pb2.CRI if args.kubernetes else common_pb2.CONTAINERD,
    )
    replies, code = await session.each_message("/machine.MachineService/Stats", request)
    rows = []
    for node, message in replies:
        for s in sorted(message.stats, key=lambda s: s.id):
            name = f"└─ {s.id}" if s.id != s.pod_id and args.kubernetes else s.id
            rows.append((node, s.namespace, name, f"{s.memory_usage / 1e6:.2f}", s.cpu_usage))
    output.table(("NODE", "NAMESPACE", "ID", "MEMORY(MB)", "CPU"), rows)
    return code


COMMAND = command.Command(
    path="stats",
    help="show what containers use",
    run=run,
    flags=(command.Flag("kubernetes", "Kubernetes containers", short="k", kind="bool"),),
)
