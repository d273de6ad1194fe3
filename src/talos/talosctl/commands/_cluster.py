"""What the cluster commands share: flags, the store, how failures are told."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from talos.base import errors
from talos.talosctl import command, exit_codes, output, progress

if TYPE_CHECKING:
    from talos.provision import request, state

NAME = "talos-default"
COMMON_FLAGS = (
    command.Flag("name", f"name of the cluster (default {NAME})", default=NAME),
    command.Flag("state", "folder of the clusters (default ~/.talos/clusters)", metavar="PATH"),
)
PROGRESS_FLAG = command.Flag("progress", "how progress is shown", kind="choice", default="auto", choices=progress.MODES)
WAIT_FLAGS = (
    command.Flag("wait", "wait until the cluster is healthy (default true)", kind="bool", default=True),
    command.Flag("wait-timeout", "how long to wait (default 20m)", kind="duration", default="20m"),
)
OUTPUT_FLAG = command.Flag(
    "output", "form of the result", short="o", kind="choice", default="table", choices=("table", "json")
)


class Failed(errors.TalosError):
    """A failure that was told already; `exit` is the command's exit code."""

    def __init__(self, exit: exit_codes.Exit) -> None:
        super().__init__()
        self.exit = exit


def store(args: argparse.Namespace) -> state.Store:
    """The folder of the clusters."""
    from talos.provision import state

    return state.Store(Path(args.state).absolute() if args.state else None)


@contextlib.asynccontextmanager
async def shown(args: argparse.Namespace, *, interrupted: str = "") -> AsyncIterator[progress.Quiet]:
    """A progress view for a block. `interrupted` is what a person is told after Ctrl-C."""
    try:
        async with progress.make(args.progress) as view:
            yield view
    except asyncio.CancelledError:
        if interrupted:
            output.say(f"interrupted; {interrupted}")
        raise


def tell(error: errors.TalosError) -> exit_codes.Exit:
    """Print a failure with the log lines and the hint that belong to it; returns the exit code."""
    from talos.provision import plan

    output.say(f"error: {error}")
    if not isinstance(error, plan.StepFailed):
        return exit_codes.of(error)
    if error.log:
        output.say("last lines of the log:")
        for line in error.log:
            output.say(f"  {line}")
    if error.hint:
        output.say(f"hint: {error.hint}")
    return exit_codes.of(error.cause)


def resources(cpus: str, memory: str, disk: str) -> request.Resources:
    """Parse the limits of a node."""
    from talos.provision import request

    return request.Resources(request.parse_cpus(cpus), request.parse_size(memory), request.parse_size(disk))


def node_rows(nodes: Sequence[request.Node]) -> list[tuple[str, ...]]:
    """Rows of a node table without state."""
    return [
        (
            one.name,
            one.role.value,
            one.ip,
            f"{one.resources.cpu_millicores / 1000:.2f}",
            output.size(one.resources.memory_bytes),
            output.size(one.resources.disk_bytes),
        )
        for one in nodes
    ]
