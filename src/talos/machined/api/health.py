"""cluster.ClusterService: the health of the cluster, checked from this node.

The other nodes are asked through this node's own apid (its unix socket), which forwards with the node's identity;
so the call works on control planes only. Kubernetes is asked with the local administrator's kubeconfig.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from google.protobuf.message import Message

from talos.base import errors, tasks
from talos.base.constants import paths
from talos.cosi import state
from talos.k8s import checks, client, cluster_api
from talos.machined.api import Handlers
from talos.machinery.api import methods
from talos.machinery.api._generated.cluster import cluster_pb2
from talos.machinery.resources.cluster import member
from talos.machinery.resources.secrets import kubernetes_secret
from talos.machinery.rpc import channel
from talos.machinery.rpc import server as rpc
from talos.machinery.types.machine import MachineType

DEFAULT_WAIT_S = 1200.0
_CALL_TIMEOUT_S = 10.0


class Health(Handlers):
    """HealthCheck."""

    service: ClassVar[str] = "cluster.ClusterService"

    def __init__(self, store: state.State) -> None:
        self._store = store

    async def _members(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Addresses of control planes and workers, as discovered."""
        planes: list[str] = []
        workers: list[str] = []
        for found in await self._store.list(member.Member):
            if found.spec.addresses:
                plane = found.spec.machine_type is not MachineType.WORKER
                (planes if plane else workers).append(found.spec.addresses[0])
        return tuple(planes), tuple(workers)

    async def health_check(
        self, request: cluster_pb2.HealthCheckRequest, call: rpc.Call
    ) -> AsyncIterator[cluster_pb2.HealthCheckProgress]:
        """Stream a line per step until all checks hold. Raises TimedOut, NotReady on a worker."""
        secret = await state.find(self._store, kubernetes_secret.KubernetesSecret, kubernetes_secret.KUBERNETES_ID)
        if secret is None:
            raise errors.NotReady("cluster health is checked from control plane nodes only")
        info = request.cluster_info
        planes, workers = tuple(info.control_plane_nodes), tuple(info.worker_nodes)
        if not planes and not workers:
            planes, workers = await self._members()
        yield cluster_pb2.HealthCheckProgress(message=checks.discovered(planes, workers))
        wait_s = request.wait_timeout.seconds or DEFAULT_WAIT_S
        lines: asyncio.Queue[str | None] = asyncio.Queue()
        async with tasks.Owner("health") as owner:
            running = owner.spawn(
                self._run(planes, workers, secret.spec.localhost_admin_kubeconfig, lines, wait_s), "checks"
            )
            while (line := await lines.get()) is not None:
                yield cluster_pb2.HealthCheckProgress(message=line)
            await running

    async def _run(
        self,
        planes: tuple[str, ...],
        workers: tuple[str, ...],
        kubeconfig: str,
        lines: asyncio.Queue[str | None],
        wait_s: float,
    ) -> None:
        door = channel.Channel.unix(paths.APID_SOCKET)

        async def ask(node: str, path: str, message: Message) -> Any:
            metadata = {"node": node, "talos-role": "os:admin"}
            return await door.unary(methods.method(path), message, metadata=metadata, timeout_s=_CALL_TIMEOUT_S)

        try:
            async with client.Client.from_kubeconfig(kubeconfig, timeout_s=_CALL_TIMEOUT_S) as kubernetes:
                target = checks.Target(planes, workers, cluster_api.Nodes(ask), cluster_api.Kube(kubernetes))
                await checks.run(target, lines.put, timeout_s=wait_s)
        finally:
            door.close()
            await lines.put(None)
