"""talosctl mounts."""

from __future__ import annotations

import argparse

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print mounted file systems with their use."""
    from google.protobuf import empty_pb2

    replies, code = await session.each_message("/machine.MachineService/Mounts", empty_pb2.Empty())
    rows = []
    for node, message in replies:
        for s in message.stats:
            if not s.size:
                # Pseudo file systems: nothing can be used there.
                continue
            used = s.size - s.available
            share = f"{used / s.size * 100:.2f}%"
            sizes = (f"{n / 1e9:.2f}" for n in (s.size, used, s.available))
            rows.append((node, s.filesystem, *sizes, share, s.mounted_on))
    output.table(("NODE", "FILESYSTEM", "SIZE(GB)", "USED(GB)", "AVAILABLE(GB)", "PERCENT USED", "MOUNTED ON"), rows)
    return code


COMMAND = command.Command(path="mounts", help="list mounted file systems", run=run, aliases=("mount",))
