"""talosctl bootstrap."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from talos.talosctl import command
from talos.talosctl.session import Session, single

_CHUNK_BYTES = 1 << 20


async def _chunks(path: Path) -> AsyncIterator[Any]:
    from talos.machinery.api._generated.common import common_pb2

    with path.open("rb") as source:
        while chunk := source.read(_CHUNK_BYTES):
            yield common_pb2.Data(bytes=chunk)


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Start etcd on the first control plane node; once in the life of a cluster."""
    from talos.machinery.api._generated.machine import machine_pb2

    node = single(session.nodes, "bootstrap")
    if args.recover_from:
        await session.connection.upload(
            "/machine.MachineService/EtcdRecover", _chunks(Path(args.recover_from)), node=node
        )
    request = machine_pb2.BootstrapRequest(
        recover_etcd=bool(args.recover_from), recover_skip_hash_check=args.recover_skip_hash_check
    )
    await session.unary("/machine.MachineService/Bootstrap", request, node=node)
    return None


COMMAND = command.Command(
    path="bootstrap",
    help="start etcd on the first control plane node",
    run=run,
    flags=(
        command.Flag("recover-from", "start from a snapshot of etcd"),
        command.Flag("recover-skip-hash-check", "the snapshot is a copied database, without hash", kind="bool"),
    ),
)
