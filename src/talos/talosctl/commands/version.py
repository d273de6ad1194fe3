"""talosctl version."""

from __future__ import annotations

import argparse

from talos.base.constants import versions
from talos.talosctl import command
from talos.talosctl.session import Session


def _client(*, short: bool) -> None:
    import os
    import sys

    if short:
        print(f"Client {versions.TALOS}")
        return
    machine = os.uname().machine
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    print("Client:")
    print(f"\t{'Tag:':<13}{versions.TALOS}")
    print(f"\t{'Python:':<13}{sys.version.split()[0]}")
    print(f"\t{'OS/Arch:':<13}{sys.platform}/{machine}")


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print the client's version and each node's."""
    _client(short=args.short)
    if args.client:
        return None
    from google.protobuf import empty_pb2

    print("Server:")
    replies, code = await session.each_message("/machine.MachineService/Version", empty_pb2.Empty())
    for node, message in replies:
        info = message.version
        if args.short:
            print(f"\t{node}: {info.tag}")
            continue
        rows = [
            ("NODE", node),
            ("Tag", info.tag),
            ("SHA", info.sha),
            ("Built", info.built),
            ("Runtime", info.go_version),
        ]
        rows += [
            ("OS/Arch", f"{info.os}/{info.arch}"),
            ("Platform", f"{message.platform.name} ({message.platform.mode})"),
        ]
        features = [name for name in ("rbac",) if getattr(message.features, name)]
        rows.append(("Enabled", ", ".join(features).upper()))
        for name, value in rows:
            if value:
                print(f"\t{name + ':':<13}{value}")
    return code


COMMAND = command.Command(
    path="version",
    help="print the version of the client and of nodes",
    run=run,
    flags=(
        command.Flag("client", "print the client's version only", kind="bool"),
        command.Flag("short", "print version numbers only", kind="bool"),
        *command.INSECURE_FLAGS,
    ),
    offline_with="client",
)
