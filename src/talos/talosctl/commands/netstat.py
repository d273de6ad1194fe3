"""talosctl netstat."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.session import Session

if TYPE_CHECKING:
    from talos.machinery.api._generated.machine import machine_pb2

_KINDS = ("tcp", "udp", "udplite", "raw")
_HEADERS = ("Proto", "Recv-Q", "Send-Q", "Local Address", "Foreign Address", "State")
# The kernel gives sockets without connections this state.
_CLOSE = 7


def request(args: argparse.Namespace) -> machine_pb2.NetstatRequest:
    """Return what the flags ask for."""
    from talos.machinery.api._generated.machine import machine_pb2

    kinds = [kind for kind in _KINDS if args.verbose or getattr(args, kind)] or ["tcp", "udp"]
    made = machine_pb2.NetstatRequest()
    made.feature.pid = args.programs
    made.netns.hostnetwork, made.netns.allnetns = True, args.pods
    for kind in kinds:
        setattr(made.l4proto, kind, args.ipv4 or not args.ipv6)
        setattr(made.l4proto, f"{kind}6", args.ipv6 or not args.ipv4)
    names = machine_pb2.NetstatRequest
    made.filter = names.ALL if args.all else names.LISTENING if args.listening else names.CONNECTED
    return made


async def _pods(session: Session, node: str) -> dict[str, str]:
    """Return network namespace -> pod of a node, without the pods that use the node's own."""
    from talos.machinery.api._generated.common import common_pb2
    from talos.machinery.api._generated.machine import machine_pb2

    asked = machine_pb2.ContainersRequest(namespace="k8s.io", driver=common_pb2.CRI)
    reply = await session.unary("/machine.MachineService/Containers", asked, node=node)
    return {
        one.network_namespace: one.id
        for message in reply.messages
        for one in message.containers
        if one.network_namespace and one.pid and one.id == one.pod_id
    }


def _state(found: Any) -> str:
    """State by name; nothing for one without connections, the number for one that came after the API."""
    known = type(found).State.DESCRIPTOR.values_by_number.get(found.state)
    return "" if found.state == _CLOSE else known.name if known else str(found.state)


def _endpoint(host: str, port: int | str) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _cells(found: Any, args: argparse.Namespace, pods: dict[str, str]) -> list[str]:
    cells = [
        found.l4proto, str(found.rxqueue), str(found.txqueue), _endpoint(found.localip, found.localport),
        _endpoint(found.remoteip, found.remoteport or "*"), _state(found),
    ]  # fmt: skip
    if args.extend:
        cells += [str(found.uid), str(found.inode)]
    if args.programs:
        cells.append(f"{found.process.pid}/{found.process.name}" if found.process.pid else "-")
    if args.pods:
        cells.append(pods.get(found.netns, "-"))
    if args.timers:
        name = type(found).TimerActive.Name(found.tr).lower()
        cells.append(f"{name} ({found.timerwhen / 100:.2f}/{found.retrnsmt}/{found.timeout})")
    return cells


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print the sockets of nodes, of all pods on them, or of one pod."""
    if args.pods and args.pod:
        raise errors.Invalid("--pods shows all pods, so no pod can be named")

    async def one(node: str) -> tuple[list[Any], dict[str, str]]:
        pods = await _pods(session, node) if args.pods or args.pod else {}
        asked = request(args)
        if args.pod:
            places = [netns for netns, pod in pods.items() if pod == args.pod.lower()]
            if not places:
                return [], pods
            asked.netns.hostnetwork = False
            asked.netns.netns.extend(places)
        reply = await session.unary("/machine.MachineService/Netstat", asked, node=node)
        return [found for message in reply.messages for found in message.connectrecord], pods

    answers, code = await session.each(one)
    if args.pod and not code and not any(args.pod.lower() in pods.values() for _, (_, pods) in answers):
        raise errors.NotFound(f"pod {args.pod!r} with a network of its own is not on these nodes")
    extra = [("Uid", "Inode")] * args.extend + [("PID/Program name",)] * args.programs
    extra += [("Pod",)] * args.pods + [("Timer",)] * args.timers
    rows = [[node, *_cells(found, args, pods)] for node, (records, pods) in answers for found in records]
    output.table(("NODE", *_HEADERS, *(name for names in extra for name in names)), rows)
    return code


def _flag(name: str, short: str, help: str) -> command.Flag:
    return command.Flag(name, help, short=short, kind="bool")


COMMAND = command.Command(
    path="netstat",
    help="list sockets",
    run=run,
    aliases=("ss",),
    arguments=(command.Argument("pod", "namespace/name of a pod whose sockets to list", count="?"),),
    flags=(
        _flag("all", "a", "connected and listening sockets"),
        _flag("listening", "l", "listening sockets instead of connected ones"),
        _flag("pods", "k", "sockets of pods too"),
        _flag("programs", "p", "with the processes that hold them"),
        _flag("extend", "x", "with user and inode"),
        _flag("timers", "o", "with timers"),
        _flag("verbose", "v", "all protocols"),
        _flag("tcp", "t", "TCP"),
        _flag("udp", "u", "UDP"),
        _flag("udplite", "U", "UDP-Lite"),
        _flag("raw", "w", "raw IP"),
        _flag("ipv4", "4", "IPv4 only"),
        _flag("ipv6", "6", "IPv6 only"),
    ),
)
