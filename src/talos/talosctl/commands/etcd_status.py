"""talosctl etcd status."""

from __future__ import annotations

import argparse

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Show the state of the etcd member of each node."""
    from google.protobuf import empty_pb2

    replies, code = await session.each_message("/machine.MachineService/EtcdStatus", empty_pb2.Empty())
    rows = []
    for node, message in replies:
        s = message.member_status
        used = f" ({s.db_size_in_use / s.db_size * 100:.2f}%)" if s.db_size else ""
        rows.append(
            (
                node, f"{s.member_id:016x}", output.size(s.db_size), output.size(s.db_size_in_use) + used,
                f"{s.leader:016x}", s.raft_index, s.raft_term, s.raft_applied_index, str(s.is_learner).lower(),
                s.protocol_version, s.storage_version, ", ".join(s.errors),
            )
        )  # fmt: skip
    headers = (
        "NODE", "MEMBER", "DB SIZE", "IN USE", "LEADER", "RAFT INDEX", "RAFT TERM", "RAFT APPLIED INDEX", "LEARNER",
        "PROTOCOL", "STORAGE", "ERRORS",
    )  # fmt: skip
    output.table(headers, rows)
    return code


COMMAND = command.Command(path="etcd status", help="show the state of etcd members", run=run)
