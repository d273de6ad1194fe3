"""talosctl processes."""

from __future__ import annotations

import argparse
from typing import Any

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.session import Session

_SORT = {"rss": "resident_memory", "cpu": "cpu_time"}
_HEADERS = ("NODE", "PID", "STATE", "THREADS", "CPU-TIME", "VIRTMEM", "RESMEM", "LABEL", "COMMAND")


def command_line(process: Any) -> str:
    """The arguments, with the executable's whole path where the first one is only its name."""
    words = process.args.split()
    if not process.executable:
        text = process.command
    elif words and words[0] == process.executable.split()[0].rpartition("/")[2]:
        text = process.args.replace(words[0], process.executable, 1)
    else:
        text = process.args
    return "".join(letter if " " <= letter <= "~" else " " for letter in text).strip()


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
            row = (node, p.pid, p.state, p.threads, f"{p.cpu_time:.2f}", *sizes, p.label, command_line(p))
            rows.append(row)
    output.table(_HEADERS, rows)
    return code


COMMAND = command.Command(
    path="processes",
    help="list the running processes",
    run=run,
    aliases=("p", "ps"),
    flags=(command.Flag("sort", "rss or cpu", short="s", default="rss"),),
)
