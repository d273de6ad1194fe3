"""talosctl events."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from talos.base import errors
from talos.talosctl import command
from talos.talosctl.session import Session


def _enum(message: Any, field: str) -> str:
    found = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number.get(getattr(message, field))
    return found.name if found else str(getattr(message, field))


def _sequence(m: Any) -> tuple[str, str]:
    return m.sequence, f"error: {m.error.message}" if m.HasField("error") else _enum(m, "action")


def _conditions(m: Any) -> str:
    unmet = ", ".join(f"{c.name}: {c.reason}" for c in m.status.unmet_conditions)
    return f"ready: {str(m.status.ready).lower()}" + (f", unmet conditions: {unmet}" if unmet else "")


_SHOWN: dict[str, Callable[[Any], tuple[str, str]]] = {
    "SequenceEvent": _sequence,
    "PhaseEvent": lambda m: (m.phase, _enum(m, "action")),
    "TaskEvent": lambda m: (m.task, _enum(m, "action")),
    "ServiceStateEvent": lambda m: (m.service, f"{_enum(m, 'action')}: {m.message}"),
    "ConfigLoadErrorEvent": lambda m: ("error", m.error),
    "ConfigValidationErrorEvent": lambda m: ("error", m.error),
    "AddressEvent": lambda m: (m.hostname, f"ADDRESSES: {','.join(m.addresses)}"),
    "MachineStatusEvent": lambda m: (_enum(m, "stage"), _conditions(m)),
}


def describe(message: Any) -> tuple[str, str, str]:
    """Kind, source and text of an event; a kind of a newer node has its fields as text."""
    from google.protobuf import json_format

    from talos.machinery.api._generated.machine import machine_pb2

    name = message.data.type_url.rpartition("/")[2].rpartition(".")[2]
    kind = getattr(machine_pb2, name, None)
    if kind is None:
        return name, "", ""
    inner = kind()
    # The node writes `talos/runtime/machine.…`, which Any.Unpack accepts only with a full match of the name.
    inner.ParseFromString(message.data.value)
    if name in _SHOWN:
        return name, *_SHOWN[name](inner)
    data = json_format.MessageToDict(inner, preserving_proto_field_name=True)
    return name, "", ", ".join(f"{k}: {v}" for k, v in data.items())


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Stream what happens on the nodes."""
    from talos.machinery.api._generated.machine import machine_pb2

    request = machine_pb2.EventsRequest(tail_events=args.tail, with_actor_id=args.actor_id, tail_id=args.since)
    if args.duration:
        request.tail_seconds = int(args.duration.total_seconds())
    if sum(bool(x) for x in (args.tail, args.since, args.duration)) > 1:
        raise errors.Invalid("--tail, --since and --duration exclude each other")
    print(f"{'NODE':<16}{'ID':<23}{'EVENT':<22}{'ACTOR':<39}{'SOURCE':<28}MESSAGE", flush=True)

    def show(node: str, message: Any) -> None:
        if not message.id:
            return
        name, source, text = describe(message)
        print(f"{node:<15} {message.id:<22} {name:<21} {message.actor_id:<38} {source:<27} {text}", flush=True)

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
