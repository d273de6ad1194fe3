"""talosctl service."""

from __future__ import annotations

import argparse
import datetime
from typing import Any

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.session import Session

_ACTIONS = {"start": "ServiceStart", "stop": "ServiceStop", "restart": "ServiceRestart"}


def health(info: Any) -> str:
    """`OK`, `Fail`, or `?` when nobody checks."""
    if info.health.unknown:
        return "?"
    return "OK" if info.health.healthy else "Fail"


def ago(stamp: Any, now: datetime.datetime) -> str:
    """`3m12s ago`."""
    if not stamp.seconds:
        return ""
    seconds = max(int((now - stamp.ToDatetime(tzinfo=datetime.UTC)).total_seconds()), 0)
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    text = f"{hours}h{minutes}m{seconds}s" if hours else f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
    return f"{text} ago"


async def _list(session: Session) -> int:
    from google.protobuf import empty_pb2

    now = datetime.datetime.now(datetime.UTC)
    replies, code = await session.each_message("/machine.MachineService/ServiceList", empty_pb2.Empty())
    rows = []
    for node, message in replies:
        for info in message.services:
            last = info.events.events[-1] if info.events.events else None
            changed = f"{ago(last.ts, now)}" if last else ""
            rows.append((node, info.id, info.state, health(info), changed, last.msg if last else ""))
    output.table(("NODE", "SERVICE", "STATE", "HEALTH", "LAST CHANGE", "LAST EVENT"), rows)
    return code


def _describe(node: str, info: Any, now: datetime.datetime) -> None:
    rows = [("NODE", node), ("ID", info.id), ("STATE", info.state), ("HEALTH", health(info))]
    if info.health.last_message:
        rows.append(("LAST HEALTH MESSAGE", info.health.last_message))
    for index, event in enumerate(reversed(info.events.events)):
        rows.append(("EVENTS" if index == 0 else "", f"[{event.state}]: {event.msg} ({ago(event.ts, now)})"))
    for title, text in rows:
        print(f"{title:<{max(len(t) for t, _ in rows) + output.GAP}}{text}")


async def _show(session: Session, id: str) -> int:
    from google.protobuf import empty_pb2

    replies, code = await session.each_message("/machine.MachineService/ServiceList", empty_pb2.Empty())
    now = datetime.datetime.now(datetime.UTC)
    found = [(node, info) for node, message in replies for info in message.services if info.id == id]
    for node, info in found:
        _describe(node, info, now)
    if not found and not code:
        raise errors.NotFound(f"service {id!r} is not registered on nodes")
    return code


async def _act(session: Session, id: str, action: str) -> int:
    from talos.machinery.api import methods

    path = f"/machine.MachineService/{_ACTIONS[action]}"
    request: Any = methods.method(path).request(id=id)
    replies, code = await session.each_message(path, request)
    output.table(("NODE", "RESPONSE"), [(node, message.resp) for node, message in replies])
    return code


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """List services, describe one, or start, stop, restart it."""
    if args.id is None:
        return await _list(session)
    if args.action in (None, "status"):
        return await _show(session, args.id)
    if args.action not in _ACTIONS:
        raise errors.Invalid(f"expected start, stop, restart or status, got {args.action!r}")
    return await _act(session, args.id, args.action)


COMMAND = command.Command(
    path="service",
    help="show the state of services, control one",
    run=run,
    aliases=("services",),
    arguments=(
        command.Argument("id", "service to describe or control", count="?"),
        command.Argument("action", "start, stop, restart or status", count="?"),
    ),
    flags=command.INSECURE_FLAGS,
    example="talosctl service kubelet restart",
)
