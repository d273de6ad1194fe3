"""talosctl inject serviceaccount."""

from __future__ import annotations

import argparse

from talos.talosctl import command
from talos.talosctl.commands import _files
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print manifests whose workloads may use the Talos API."""
    from talos.talosctl import serviceaccounts

    _files.need(file=args.file)
    print(serviceaccounts.inject(_files.read(args.file), args.roles), end="")
    return None


COMMAND = command.Command(
    path="inject serviceaccount",
    help="give the workloads of Kubernetes manifests access to the Talos API",
    run=run,
    flags=(
        command.Flag("file", "file with Kubernetes manifests, or - for stdin", short="f"),
        command.Flag("roles", "roles the workloads get", short="r", kind="strings", default=("os:reader",)),
    ),
    example='talosctl inject serviceaccount --roles="os:admin" -f deployment.yaml > injected.yaml',
    offline=True,
)
