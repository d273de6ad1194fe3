"""talosctl etcd snapshot."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.session import Session, single


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Save a snapshot of etcd; the file appears only when it is complete."""
    from talos.machinery.api._generated.machine import machine_pb2

    node = single(session.nodes, "etcd snapshot")
    target = Path(args.path)
    partial = target.with_name(f"{target.name}.part")
    size = 0
    try:
        # All secrets of Kubernetes are in it.
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            async for message in session.stream(
                "/machine.MachineService/EtcdSnapshot", machine_pb2.EtcdSnapshotRequest(), node=node
            ):
                size += file.write(message.bytes)
            file.flush()
            os.fsync(file.fileno())
        # etcd appends a SHA-256 to the database, whose pages are of 512 bytes or a multiple.
        if size % 512 != 32:
            raise errors.Invalid(f"snapshot of {size} bytes is not complete")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    output.say(f"etcd snapshot saved to {str(target)!r} ({size} bytes)")
    return None


COMMAND = command.Command(
    path="etcd snapshot",
    help="save a snapshot of etcd",
    run=run,
    arguments=(command.Argument("path", "file to write"),),
)
