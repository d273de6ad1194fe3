"""Steps that only wait: until nodes answer, etcd is started, the cluster is healthy. They leave nothing to undo.

When one fails the cluster is left running: what went wrong can be looked at, and the same create goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

from talos.base import errors
from talos.k8s import checks, client
from talos.machinery.rpc import status
from talos.provision import access, plan
from talos.provision.api import Api
from talos.provision.providers.namespaces import node as nodes
from talos.provision.request import Node
from talos.provision.state import Cluster

_POLL_S = 0.2
_LOG_LINES = 15


class Deadline:
    """One limit for all waiting of a command."""

    def __init__(self, timeout_s: float) -> None:
        self._end = asyncio.get_running_loop().time() + timeout_s

    @property
    def over(self) -> bool:
        """Whether it has passed."""
        return self.left_s() <= 0.1

    def left_s(self) -> float:
        """Seconds until then, at least a moment."""
        return max(0.1, self._end - asyncio.get_running_loop().time())


class Wait(plan.Step):
    """A step that leaves nothing, and whose failure leaves the cluster as it is."""

    recorded: ClassVar[bool] = False
    essential: ClassVar[bool] = False
    node: Node

    def explain(self, cluster: Cluster, error: BaseException) -> plan.StepFailed:
        """With the node's last words."""
        name = cluster.name
        hint = (
            f"the nodes are left running: look at talosctl cluster logs {self.node.name} --name {name},"
            f" repeat the create to wait on, or talosctl cluster destroy --name {name}"
        )
        return plan.StepFailed(self, error, hint=hint, log=nodes.console_tail(cluster, self.node.name, _LOG_LINES))


class Answers(Wait):
    """A node's API answers."""

    def __init__(self, node: Node, deadline: Deadline) -> None:
        self.node, self.deadline = node, deadline
        self.key = f"ready/{node.name}"
        self.title = f"{node.name}: API"
        self.after = (f"node/{node.name}/run", f"node/{node.name}/config")

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Ask for its version until it tells."""
        async with Api.of(cluster) as api:

            async def attempt() -> None:
                await api.version(self.node.ip)

            await until(attempt, lambda: api.forget(self.node.ip), self, self.deadline, progress)


class Bootstrap(Wait):
    """etcd is started on the first control plane."""

    key = "bootstrap"
    title = "bootstrap etcd"

    def __init__(self, node: Node, deadline: Deadline) -> None:
        self.node, self.deadline = node, deadline
        self.after = (f"ready/{node.name}",)

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Ask until the node accepts it."""
        async with Api.of(cluster) as api:

            async def attempt() -> None:
                await api.bootstrap(self.node.ip)

            await until(attempt, lambda: api.forget(self.node.ip), self, self.deadline, progress)


async def until(
    attempt: Callable[[], Awaitable[None]],
    reset: Callable[[], None],
    step: plan.Step,
    deadline: Deadline,
    progress: plan.Progress,
) -> None:
    """Repeat an attempt while the node refuses it for reasons that pass. Raises TimedOut, RpcError."""
    said = ""
    while True:
        try:
            await attempt()
        except status.RpcError as error:
            reset()
            if error.code is status.Code.UNIMPLEMENTED:
                raise
            reason = error.message
        else:
            return
        if reason != said:
            progress.update(step.key, reason)
            said = reason
        if deadline.over:
            raise errors.TimedOut(f"no success in time: {reason}")
        await asyncio.sleep(_POLL_S)


class Healthy(Wait):
    """etcd, nodes, control plane and add-ons are all right."""

    key = "health"
    title = "cluster health"

    def __init__(self, node: Node, deadline: Deadline, everybody: tuple[Node, ...]) -> None:
        self.node, self.deadline = node, deadline
        self.after = ("bootstrap", *(f"ready/{one.name}" for one in everybody))

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Run the checks of `talosctl health`."""
        text = await access.fetch_kubeconfig(cluster, self.deadline.left_s())

        async def report(line: str) -> None:
            progress.update(self.key, line.removeprefix("waiting for "))

        async with Api.of(cluster) as api, client.Client.from_kubeconfig(text) as kube:
            target = checks.Target(
                tuple(node.ip for node in cluster.request.control_planes),
                tuple(node.ip for node in cluster.request.workers),
                api,
                Kube(kube),
            )
            await checks.run(target, report, timeout_s=self.deadline.left_s())


class Kube:
    """Reads for the checks."""

    def __init__(self, kube: client.Client) -> None:
        self._kube = kube

    async def list(self, path: str, *, label_selector: str = "") -> list[checks.Json]:
        """Items of a collection."""
        answer = await self._kube.request(
            "GET", path, query={"labelSelector": label_selector} if label_selector else {}
        )
        return list(answer.get("items") or ())
