"""talosctl logs."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from talos.talosctl import command
from talos.talosctl.session import Session


class Lines:
    """Cuts the chunks of each node into whole lines and says whose they are."""

    def __init__(self, *, prefixed: bool) -> None:
        self._prefixed = prefixed
        self._rest: dict[str, bytes] = {}

    def add(self, node: str, message: Any) -> None:
        """Print the lines a chunk completes."""
        *lines, self._rest[node] = (self._rest.get(node, b"") + message.bytes).split(b"\n")
        for line in lines:
            self._print(node, line)
        sys.stdout.flush()

    def end(self) -> None:
        """Print what is left."""
        for node, rest in self._rest.items():
            if rest:
                self._print(node, rest)

    def _print(self, node: str, line: bytes) -> None:
        text = line.decode(errors="replace")
        print(f"{node}: {text}" if self._prefixed else text)


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print the log of a service or container."""
    from talos.machinery.api._generated.common import common_pb2
    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.LogsRequest(
        id=args.service,
        namespace="k8s.io" if args.kubernetes else "system",
        driver=common_pb2.CRI if args.kubernetes else common_pb2.CONTAINERD,
        follow=args.follow,
        tail_lines=args.tail,
    )
    lines = Lines(prefixed=True)
    code = await session.follow("/machine.MachineService/Logs", request, lines.add)
    lines.end()
    return code


COMMAND = command.Command(
    path="logs",
    help="print the log of a service or container",
    run=run,
    arguments=(command.Argument("service", "service, or with -k a container such as kube-system/pod:container:id"),),
    flags=(
        command.Flag("follow", "print new lines as they come", short="f", kind="bool"),
        command.Flag("kubernetes", "log of a Kubernetes container", short="k", kind="bool"),
        command.Flag("tail", "start with the last lines; -1 is all", kind="int", default=-1),
        *command.INSECURE_FLAGS,
    ),
    example="talosctl logs kubelet -f",
)
