"""talosctl events."""

from __future__ import annotations

import argparse
from typing import Any

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.session import Session


def describe(message: Any) -> tuple[str, str]:
    """Kind and text of an event."""
    from google.protobuf import json_format

    from talos.machinery.api._generated.machine import machine_pb2

    name = message.data.type_url.rpartition("/")[2].rpartition(".")[2]
    kind = getattr(machine_pb2, name, None)
    if kind is None:
        return name, message.data.type_url
    inner = kind()
    message.data.Unpack(inner)
    data = json_format.MessageToDict(inner, preserving_proto_field_name=True)
    return name, ", ".join(f"{k}: {v}" for k, v in data.items())


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Stream what happens on the nodes."""
    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.EventsRequest(tail_events=args.tail, with_actor_id=args.actor_id, tail_id=args.since)
    if args.duration:
        request.tail_seconds = int(args.duration.total_seconds())
    if sum(bool(x) for x in (args.tail, args.since, args.duration)) > 1:
        raise errors.Invalid("--tail, --since and --duration exclude each other")
    print(f"{'NODE':<16}{'ID':<23}{'EVENT':<22}{'ACTOR':<23}MESSAGE", flush=True)

    def show(node: str, message: Any) -> None:
        if not message.id:
            return
        name, text = describe(message)
        print(f"{node:<16}{message.id:<23}{name:<22}{message.actor_id:<23}{text}", flush=True)

    return await session.follow("/machine.MachineService/Events", request, show)


COMMAND = command.Command(
    path="events",
    help="stream what happens on the nodes",
    run=run,
    flags=(
        command.Flag("tail", "start with so many past events; -1 is all", kind="int", default=0),
        command.Flag("since", "start after the event with this id"),
        command.Flag("duration", "start with the events of this last time", kind="duration"),
        command.Flag("actor-id", "only events caused by this action"),
    ),
)
