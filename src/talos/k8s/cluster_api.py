"""The two APIs of a cluster as the health checks want them, over whatever way of calling a node there is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import yaml
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from talos.k8s import checks, client
from talos.machinery.api._generated.cosi import state_pb2
from talos.machinery.api._generated.machine import machine_pb2

Call = Callable[[str, str, Message], Awaitable[Any]]
"""(node, path, request) -> response."""
_MACHINE = "/machine.MachineService/"


class Nodes:
    """checks.Nodes over a function that makes one unary call to one node."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def services(self, node: str) -> Mapping[str, checks.ServiceState]:
        """State of each service."""
        answer = await self._call(node, f"{_MACHINE}ServiceList", empty_pb2.Empty())
        return {
            one.id: checks.ServiceState(one.state, one.health.healthy, not one.health.unknown, one.health.last_message)
            for message in answer.messages
            for one in message.services
        }

    async def etcd_members(self, node: str) -> Sequence[checks.EtcdMember]:
        """Members as the node's etcd sees them."""
        answer = await self._call(node, f"{_MACHINE}EtcdMemberList", machine_pb2.EtcdMemberListRequest())
        return [
            checks.EtcdMember(one.id, one.hostname, frozenset(urlsplit(url).hostname or "" for url in one.peer_urls))
            for one in answer.messages[0].members
        ]

    async def memory_bytes(self, node: str) -> int:
        """Total memory."""
        answer = await self._call(node, f"{_MACHINE}Memory", empty_pb2.Empty())
        return int(answer.messages[0].meminfo.memtotal) * 1024

    async def stage(self, node: str) -> str:
        """Stage of the machine, such as `running`."""
        return str((await self._status(node)).get("stage", "unknown"))

    async def unmet_conditions(self, node: str) -> Sequence[str]:
        """What keeps the machine from being ready."""
        conditions = ((await self._status(node)).get("status") or {}).get("unmetConditions") or ()
        return [f"{one.get('name')}: {one.get('reason')}" for one in conditions]

    async def _status(self, node: str) -> Mapping[str, Any]:
        request = state_pb2.GetRequest(namespace="runtime", type="MachineStatuses.runtime.talos.dev", id="machine")
        answer = await self._call(node, "/cosi.resource.State/Get", request)
        found = yaml.load(answer.resource.spec.yaml_spec, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        return found if isinstance(found, dict) else {}


class Kube:
    """checks.Kube over a Kubernetes client."""

    def __init__(self, kubernetes: client.Client) -> None:
        self._client = kubernetes

    async def list(self, path: str, *, label_selector: str = "") -> Sequence[checks.Json]:
        """Items of a collection."""
        query: dict[str, str | int] = {"labelSelector": label_selector} if label_selector else {}
        found = await self._client.request("GET", path, query=query)
        return found.get("items") or []
