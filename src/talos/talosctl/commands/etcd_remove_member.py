"""talosctl etcd remove-member."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.session import Session, single


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Remove a member that can not leave by itself."""
    from talos.machinery.api._generated.machine import machine_pb2

    try:
        member = int(args.id, 16)
    except ValueError as error:
        raise errors.Invalid(f"member id {args.id!r}: expected hexadecimal digits as in `etcd members`") from error
    node = single(session.nodes, "etcd remove-member")
    request = machine_pb2.EtcdRemoveMemberByIDRequest(member_id=member)
    await session.unary("/machine.MachineService/EtcdRemoveMemberByID", request, node=node)
    return None


COMMAND = command.Command(
    path="etcd remove-member",
    help="remove a member that can not leave by itself",
    run=run,
    arguments=(command.Argument("id", "member id, hexadecimal"),),
)
