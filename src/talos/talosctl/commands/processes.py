"""talosctl processes."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.session import Session

_SORT = {"rss": "resident_memory", "cpu": "cpu_time"}


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print the process tables."""
    from google.protobuf import empty_pb2

    if args.sort not in _SORT:
        raise errors.Invalid(f"--sort: expected rss or cpu, got {args.sort!r}")
    replies, code = await session.each_message("/machine.MachineService/Processes", empty_pb2.Empty())
    rows = []
    for node, message in replies:
        for p in sorted(message.processes, key=lambda p: getattr(p, _SORT[args.sort]), reverse=True):
            sizes = (output.size(p.virtual_memory), output.size(p.resident_memory))
            line = p.args or p.executable or f"[{p.command}]"
            rows.append((node, p.pid, p.state, p.threads, f"{p.cpu_time:.2f}", *sizes, line.replace("\0", " ")))
    output.table(("NODE", "PID", "STATE", "THREADS", "CPU-TIME", "VIRTMEM", "RESMEM", "COMMAND"), rows)
    return code


COMMAND = command.Command(
    path="processes",
    help="list the running processes",
    run=run,
    aliases=("p", "ps"),
    flags=(command.Flag("sort", "rss or cpu", short="s", default="rss"),),
)
