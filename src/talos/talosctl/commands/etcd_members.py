"""talosctl etcd members."""

from __future__ import annotations

import argparse

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """List the members of etcd as each node sees them."""
    from talos.machinery.api._generated.machine import machine_pb2

    replies, code = await session.each_message(
        "/machine.MachineService/EtcdMemberList", machine_pb2.EtcdMemberListRequest(query_local=True)
    )
    rows = [
        (node, f"{m.id:016x}", m.hostname, ",".join(m.peer_urls), ",".join(m.client_urls), str(m.is_learner).lower())
        for node, message in replies
        for m in message.members
    ]
    output.table(("NODE", "ID", "HOSTNAME", "PEER URLS", "CLIENT URLS", "LEARNER"), rows)
    return code


COMMAND = command.Command(path="etcd members", help="list the members of etcd", run=run)
