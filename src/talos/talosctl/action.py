"""Actions that take a node away for a while: started by a call, followed by its events, ended by the node's state.

The reply names an actor id; events with that id tell what the node does. A reboot is over when the node answers again
after having been away, or with another boot id (`/proc/sys/kernel/random/boot_id`); a shutdown when it answers no more.
"""

from __future__ import annotations

import argparse
import asyncio
import enum
from dataclasses import dataclass

from google.protobuf.message import Message

from talos.base import errors, tasks
from talos.talosctl import command, output
from talos.talosctl.session import Session

_POLL_S = 0.5
_ASK_S = 3.0
_GONE_AFTER = 3
PROGRESS = ("auto", "plain", "quiet")
FLAGS = (
    command.Flag("wait", "wait until it is done", kind="bool", default=True),
    command.Flag("timeout", "how long to wait", kind="duration", default="30m"),
    command.Flag("progress", "auto, plain or quiet", default="auto"),
)


class Ends(enum.Enum):
    """What a finished action looks like from outside."""

    BOOTED = "back"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Wish:
    """What to wait for, how long (0: not at all), and whether to say nothing meanwhile."""

    ends: Ends
    timeout_s: float
    quiet: bool


async def _started(session: Session, node: str) -> str | None:
    """What identifies this run of the node: boot id and start of its machined; None when it does not answer."""
    from talos.machinery.api._generated.cosi import state_pb2
    from talos.machinery.api._generated.machine import machine_pb2
    from talos.machinery.rpc import status

    try:
        chunks = session.stream(
            "/machine.MachineService/Read",
            machine_pb2.ReadRequest(path="/proc/sys/kernel/random/boot_id"),
            node=node,
            timeout_s=_ASK_S,
        )
        boot = b"".join([m.bytes async for m in chunks]).decode().strip()
        request = state_pb2.GetRequest(namespace="runtime", type="MachineStatuses.runtime.talos.dev", id="machine")
        reply = await session.unary("/cosi.resource.State/Get", request, node=node, timeout_s=_ASK_S)
    except status.RpcError:
        return None
    return f"{boot} {reply.resource.metadata.created.ToNanoseconds()}"


async def _tell(session: Session, node: str, actor: str, *, quiet: bool) -> str | None:
    """Print the events of the action until the node ends the stream; return why its sequence failed, if it did."""
    from talos.machinery.api._generated.machine import machine_pb2
    from talos.machinery.rpc import status
    from talos.talosctl.commands import events

    request = machine_pb2.EventsRequest(tail_events=-1, with_actor_id=actor)
    try:
        async for message in session.stream("/machine.MachineService/Events", request, node=node):
            if not message.id:
                continue
            name, source, text = events.describe(message)
            if not quiet:
                output.say(f"{node}: {source} {text}")
            if name == "SequenceEvent" and text.startswith("error: "):
                return f"{source} failed on {node}: {text.removeprefix('error: ')}"
    except status.RpcError:
        # The node is on its way down, as wished.
        pass
    return None


async def _until(session: Session, node: str, before: str | None, ends: Ends) -> None:
    misses = 0
    while True:
        now = await _started(session, node)
        misses = misses + 1 if now is None else 0
        if ends is Ends.GONE and misses >= _GONE_AFTER:
            return
        if ends is Ends.BOOTED and now is not None and now != before:
            return
        await asyncio.sleep(_POLL_S)


async def _follow(session: Session, node: str, before: str | None, actor: str, wish: Wish) -> None:
    """Wait for the end of the action, or for the news that it failed. Raises TimedOut, Permanent."""
    async with tasks.Owner(f"action on {node}") as owner:
        waiting: asyncio.Task[str | None] = owner.spawn(_until(session, node, before, wish.ends), "end")
        running = {waiting}
        if actor:
            running.add(owner.spawn(_tell(session, node, actor, quiet=wish.quiet), "events"))
        deadline = asyncio.get_running_loop().time() + wish.timeout_s
        while not waiting.done():
            left = deadline - asyncio.get_running_loop().time()
            done, running = await asyncio.wait(running, timeout=max(left, 0), return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise errors.TimedOut(f"{node} is not {wish.ends.value} after {wish.timeout_s:g} s")
            if reason := next((task.result() for task in done if task.result()), None):
                raise errors.Permanent(reason)
    output.say(f"{node}: {wish.ends.value}")


def wish(args: argparse.Namespace, ends: Ends) -> Wish:
    """Return what `FLAGS` ask for. Raises Invalid."""
    if args.progress not in PROGRESS:
        raise errors.Invalid(f"--progress: expected {', '.join(PROGRESS)}, got {args.progress!r}")
    return Wish(ends, args.timeout.total_seconds() if args.wait else 0, args.progress == "quiet")


async def start(session: Session, node: str, path: str, request: Message, wish: Wish) -> None:
    """Start the action on a node, and follow it to its end if the wish has a time for that."""
    before = await _started(session, node) if wish.timeout_s else None
    reply = await session.unary(path, request, node=node)
    if wish.timeout_s:
        actor = reply.messages[0].actor_id if reply.messages else ""
        await _follow(session, node, before, actor, wish)


async def run(session: Session, path: str, request: Message, args: argparse.Namespace, *, ends: Ends) -> int:
    """Start the action on every node, and with --wait follow it to its end. Returns the exit code."""
    wished = wish(args, ends)
    return (await session.each(lambda node: start(session, node, path, request, wished)))[1]
