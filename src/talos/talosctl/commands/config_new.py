"""talosctl config new."""

from __future__ import annotations

import argparse
from pathlib import Path

from talos.base import errors
from talos.talosctl import command
from talos.talosctl import session as sessions
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Have a control plane node issue a certificate with other roles, and write a talosconfig with it."""
    from google.protobuf import duration_pb2

    from talos.machinery.api._generated.machine import machine_pb2
    from talos.machinery.client import talosconfig

    target = Path(args.path or session.config_path)
    if target.exists():
        raise errors.AlreadyExists(f"{target} exists already, name another path")
    node = sessions.single(session.nodes, "config new")
    ttl = duration_pb2.Duration(seconds=int(args.crt_ttl.total_seconds()))
    request = machine_pb2.GenerateClientConfigurationRequest(roles=args.roles, crt_ttl=ttl)
    reply = await session.unary("/machine.MachineService/GenerateClientConfiguration", request, node=node)
    talosconfig.write(reply.messages[0].talosconfig, target)
    return None


COMMAND = command.Command(
    path="config new",
    help="write a talosconfig with a new certificate",
    run=run,
    arguments=(command.Argument("path", "where to write it", count="?"),),
    flags=(
        command.Flag("roles", "roles of the certificate", kind="strings", default=("os:admin",)),
        command.Flag("crt-ttl", "life of the certificate", kind="duration", default="8760h"),
    ),
)
