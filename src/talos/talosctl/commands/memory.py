"""talosctl memory."""

from __future__ import annotations

import argparse

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print memory in MiB, or with --verbose everything the kernel says."""
    from google.protobuf import empty_pb2

    replies, code = await session.each_message("/machine.MachineService/Memory", empty_pb2.Empty())
    if args.verbose:
        for node, message in replies:
            print(f"NODE: {node}")
            for field in message.meminfo.DESCRIPTOR.fields:
                print(f"{field.name}: {getattr(message.meminfo, field.name)} kB")
        return code
    rows = []
    for node, message in replies:
        m = message.meminfo
        used = m.memtotal - m.memfree - m.cached - m.buffers
        numbers = (m.memtotal, used, m.memfree, m.shmem, m.buffers, m.cached, m.memavailable)
        rows.append((node, *(n // 1024 for n in numbers)))
    output.table(("NODE", "TOTAL", "USED", "FREE", "SHARED", "BUFFERS", "CACHE", "AVAILABLE"), rows)
    return code


COMMAND = command.Command(
    path="memory",
    help="show memory use",
    run=run,
    aliases=("m", "free"),
    flags=(command.Flag("verbose", "all of /proc/meminfo", short="v", kind="bool"), *command.INSECURE_FLAGS),
)
