"""Where a call goes: pure rules over metadata, tested as a table.

`node` names one target and leaves the reply untouched; `nodes` names many and is only for the services whose replies
are lists of messages. A call that was forwarded once (`proxyfrom`) stays here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from talos.base import errors

MANY_SERVICES = (
    "/machine.MachineService/",
    "/cluster.ClusterService/",
    "/inspect.InspectService/",
    "/storage.StorageService/",
    "/time.TimeService/",
)
STREAMED = frozenset(
    {
        "/machine.MachineService/Copy",
        "/machine.MachineService/DiskUsage",
        "/machine.MachineService/Dmesg",
        "/machine.MachineService/EtcdSnapshot",
        "/machine.MachineService/Events",
        "/machine.MachineService/ImageList",
        "/machine.MachineService/Kubeconfig",
        "/machine.MachineService/List",
        "/machine.MachineService/Logs",
        "/machine.MachineService/PacketCapture",
        "/machine.MachineService/Read",
        "/machine.LifecycleService/Install",
        "/machine.LifecycleService/Upgrade",
        "/cluster.ClusterService/HealthCheck",
    }
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_NAME_BYTES, _SHOWN = 253, 100
MAX_NODES = 1024
_NOT_FORWARDED = frozenset({":authority", "node", "nodes", "talos-role", "user-agent"})


@dataclass(frozen=True, slots=True)
class Local:
    """Ask the machined of this node."""


@dataclass(frozen=True, slots=True)
class One:
    """Ask one other node; its reply passes unchanged."""

    node: str


@dataclass(frozen=True, slots=True)
class Many:
    """Ask several nodes; replies are merged, failures become messages."""

    nodes: tuple[str, ...]
    streamed: bool


Route = Local | One | Many


def is_streamed(path: str) -> bool:
    """Whether the method answers with a stream."""
    return path in STREAMED or path.endswith("Stream")


def check_node(node: str) -> None:
    """Raise Invalid for a target that is no name and no address, or carries a port."""
    if not node:
        raise errors.Invalid("node name must not be empty")
    try:
        ipaddress.ip_address(node)
    except ValueError:
        if ":" in node:
            raise errors.Invalid(f"node {node[:_SHOWN]!r} must not have a port") from None
        if len(node) > _NAME_BYTES or not _NAME.fullmatch(node):
            raise errors.Invalid(f"node {node[:_SHOWN]!r} is no name of a host") from None


def route(path: str, metadata: Mapping[str, Sequence[str]], own: frozenset[str]) -> Route:
    """Decide where a call goes; `own` are this node's names and addresses. Raises Invalid."""
    if metadata.get("proxyfrom"):
        return Local()
    nodes = [n for value in metadata.get("nodes", ()) for n in value.split(",")]
    if nodes:
        if not path.startswith(MANY_SERVICES):
            raise errors.Invalid(f"{path} can not be asked of many nodes")
        if len(nodes) > MAX_NODES:
            raise errors.Invalid(f"at most {MAX_NODES} nodes can be asked at a time, got {len(nodes)}")
        for node in nodes:
            check_node(node)
        return Many(tuple(nodes), is_streamed(path))
    one = metadata.get("node", ())
    if not one:
        return Local()
    if len(one) > 1:
        raise errors.Invalid("node metadata must be a single value")
    check_node(one[0])
    return Local() if one[0] in own else One(one[0])


def onward(metadata: Mapping[str, Sequence[str]], roles: frozenset[str]) -> dict[str, list[str]]:
    """Metadata of the next hop: the caller's without routing, with the roles it really has."""
    passed = {k: list(v) for k, v in metadata.items() if k not in _NOT_FORWARDED and not k.startswith(":")}
    passed["talos-role"] = sorted(roles)
    return passed
