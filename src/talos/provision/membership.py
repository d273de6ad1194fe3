"""Adding nodes to a running cluster and taking them away.

A node that joins needs nothing but its start: discovery and trustd do the rest. A node that goes leaves etcd, then
Kubernetes, then this machine, in that order: a member of etcd whose node is gone would count against the quorum.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar
from urllib.parse import urlsplit

from talos.base import errors
from talos.k8s import client, drain
from talos.machinery.rpc import status
from talos.provision import access, configs, plan, provider, ready
from talos.provision.api import Api
from talos.provision.cluster import require_complete, require_root
from talos.provision.providers.namespaces import hostcheck
from talos.provision.providers.namespaces.helper import Services
from talos.provision.request import Node, Resources, Role, with_node, without_node
from talos.provision.state import Cluster, Store

_LEAVE_TIMEOUT_S = 60.0
_JOIN_S = 300.0
_POLL_S = 1.0


async def add_node(
    store: Store,
    name: str,
    role: Role,
    resources: Resources,
    progress: plan.Progress,
    *,
    wait_timeout_s: float | None = None,
) -> tuple[Cluster, Node]:
    """Start one more node; it joins by itself.

    `wait_timeout_s`: wait this long until the cluster with it is healthy; None does not wait. A node that could not be
    started is removed again; one that does not become healthy stays, to be looked at.
    """
    require_root()
    async with store.lock(name):
        cluster = store.load(name)
        require_complete(cluster)
        hostcheck.check_disk(store.folder, 1)
        request, added = with_node(cluster.request, role, resources, cluster.state.highest())
        numbers = {**cluster.state.numbers, role.value: added.number}
        cluster.update(request=request, numbers=numbers)
        kind = cluster.state.provisioner
        steps: list[plan.Step] = [*provider.node_steps(kind, added), Services()]
        try:
            await plan.do([*provider.network_steps(kind), *steps], cluster, progress)
        except BaseException:
            await plan.undo(provider.node_steps(kind, added), cluster, force=True)
            cluster.update(request=without_node(cluster.request, added))
            raise
        await asyncio.to_thread(access.follow, cluster)
    scale = provider.time_scale(cluster)
    if configure := provider.configure_steps(cluster, [added], ready.Deadline((wait_timeout_s or _JOIN_S) * scale)):
        await plan.do(configure, cluster, progress)
    if wait_timeout_s is not None:
        deadline, nodes = ready.Deadline(wait_timeout_s * scale), cluster.request.nodes
        healthy = ready.Healthy(cluster.request.control_planes[0], deadline, nodes)
        await plan.do([ready.Answers(added, deadline), healthy], cluster, progress)
    return cluster, added


async def remove_node(store: Store, name: str, node_name: str, progress: plan.Progress, *, force: bool = False) -> Node:
    """Take a node out of etcd and Kubernetes, cut its power and remove what it has on this machine.

    Raises StepFailed when it cannot leave; with `force` that is a note and it goes all the same.
    """
    require_root()
    async with store.lock(name):
        cluster = store.load(name)
        require_complete(cluster)
        gone = cluster.request.node(node_name)
        if gone.role is Role.CONTROL_PLANE and len(cluster.request.control_planes) == 1:
            raise errors.Conflict(f"{gone.name} is the only control plane; destroy the cluster instead")
        if gone.ip == _kubernetes_host(cluster) and not force:
            raise errors.Conflict(
                f"{gone.ip} of {gone.name} is the address of Kubernetes in this cluster's configs; --force removes it"
            )
        for step in leave_steps(gone):
            try:
                await plan.do([step], cluster, progress)
            except plan.StepFailed as failure:
                if not force:
                    raise
                progress.note(f"{failure}; removed all the same")
        kind = cluster.state.provisioner
        failures = await plan.undo(provider.node_steps(kind, gone), cluster)
        if failures:
            raise failures[0]
        cluster.update(request=without_node(cluster.request, gone))
        await plan.do([*provider.network_steps(kind), Services()], cluster, progress)
        await asyncio.to_thread(access.follow, cluster)
        return gone


def _kubernetes_host(cluster: Cluster) -> str:
    url = configs.endpoint(cluster.request, balanced=bool(cluster.state.options.get("balanced")))
    return urlsplit(url).hostname or ""


def leave_steps(gone: Node) -> list[plan.Step]:
    """What a node does before it goes."""
    leaves: list[plan.Step] = [_Drain(gone)]
    if gone.role is Role.CONTROL_PLANE:
        leaves.append(_LeaveEtcd(gone))
    return [*leaves, _LeaveKubernetes(gone)]


class _Leave(plan.Step):
    recorded: ClassVar[bool] = False
    essential: ClassVar[bool] = False
    what: ClassVar[str]

    def __init__(self, gone: Node) -> None:
        self.node = gone
        self.key = f"node/{gone.name}/{self.what}"
        self.title = f"{gone.name}: {self.what}"

    def explain(self, cluster: Cluster, error: BaseException) -> plan.StepFailed:
        """With the way on."""
        hint = f"talosctl cluster node remove {self.node.name} --name {cluster.name} --force removes it all the same"
        return plan.StepFailed(self, error, hint=hint)

    async def _kubernetes(self, cluster: Cluster) -> client.Client:
        """Through a control plane that stays."""
        text = await access.fetch_kubeconfig(cluster, _LEAVE_TIMEOUT_S, without=self.node)
        return client.Client.from_kubeconfig(text)


class _Drain(_Leave):
    """Its pods move to other nodes."""

    what = "drain"

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """A node Kubernetes never knew has nothing to move."""
        async with await self._kubernetes(cluster) as kube:
            try:
                await drain.drain(
                    kube,
                    self.node.name,
                    timeout_s=_LEAVE_TIMEOUT_S,
                    report=lambda said: progress.update(self.key, said),
                )
            except errors.NotFound:
                return


class _LeaveEtcd(_Leave):
    """Its member leaves etcd: by itself while it can, else the others remove it."""

    what = "leave etcd"

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Until no member has its address."""
        others = [one for one in cluster.request.control_planes if one != self.node]
        async with asyncio.timeout(_LEAVE_TIMEOUT_S), Api.of(cluster) as api:
            asked = False
            while True:
                try:
                    member = await self._member(api, others)
                    if member is None:
                        return
                    if not asked:
                        asked = True
                        await api.leave_etcd(self.node.ip)
                    else:
                        await api.remove_member(others[0].ip, member)
                except status.RpcError as error:
                    progress.update(self.key, error.message)
                await asyncio.sleep(_POLL_S)

    async def _member(self, api: Api, others: list[Node]) -> int | None:
        for member in await api.etcd_members(others[0].ip):
            if self.node.ip in member.addresses:
                return member.id
        return None


class _LeaveKubernetes(_Leave):
    """Its Node object goes."""

    what = "leave Kubernetes"

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Delete it. The kubelet would make it anew, so this machine's part follows at once."""
        async with await self._kubernetes(cluster) as kube:
            try:
                await kube.delete(client.NODES, self.node.name)
            except errors.NotFound:
                return
