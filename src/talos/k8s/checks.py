"""Health of a cluster as a list of named checks, run in order, each repeated until it holds or the time is up.

The checks see the cluster through two narrow Protocols, so that the same list serves `talosctl health` from a person's
machine, the HealthCheck RPC on a node, and `talosctl cluster create`. A check returns when its sentence is true and
raises NotReady with the reason when it is not (yet); anything else a check raises is treated as a reason too, because
a node that is still booting refuses connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from talos.base import errors

POLL_S = 0.25
ATTEMPT_S = 15.0
MEMORY_MINIMUM_BYTES = {True: (1848 - 150) * 1024**2, False: (1024 - 150) * 1024**2}
CONTROL_PLANE_APPS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What a node says of one service."""

    state: str
    healthy: bool
    health_known: bool = True
    message: str = ""

    @property
    def up(self) -> bool:
        return self.state == "Running" and (self.healthy or not self.health_known)


@dataclass(frozen=True, slots=True)
class EtcdMember:
    """One etcd member. `addresses` are the hosts of its peer URLs."""

    id: int
    hostname: str
    addresses: frozenset[str]


class Nodes(Protocol):
    """The Talos API of each node, by address."""

    async def services(self, node: str) -> Mapping[str, ServiceState]: ...
    async def etcd_members(self, node: str) -> Sequence[EtcdMember]: ...
    async def memory_bytes(self, node: str) -> int: ...
    async def stage(self, node: str) -> str: ...
    async def unmet_conditions(self, node: str) -> Sequence[str]: ...


class Kube(Protocol):
    """Reads of the Kubernetes API: `list` returns the items of a collection path such as /api/v1/nodes."""

    async def list(self, path: str, *, label_selector: str = "") -> Sequence[Json]: ...


@dataclass(frozen=True, slots=True)
class Target:
    """The cluster to check: node addresses by role, and the two APIs."""

    control_planes: tuple[str, ...]
    workers: tuple[str, ...]
    nodes: Nodes
    kube: Kube

    @property
    def all(self) -> tuple[str, ...]:
        return self.control_planes + self.workers


@dataclass(frozen=True, slots=True)
class Check:
    """`sentence` completes "waiting for …"."""

    sentence: str
    holds: Callable[[Target], Awaitable[None]]


async def _each(nodes: Sequence[str], probe: Callable[[str], Awaitable[None]]) -> None:
    """Run the probe on all nodes at once; raise NotReady that names every node which fails."""
    results = await asyncio.gather(*(probe(n) for n in nodes), return_exceptions=True)
    bad = [f"{n}: {r}" for n, r in zip(nodes, results, strict=True) if isinstance(r, Exception)]
    if bad:
        raise errors.NotReady("; ".join(bad))


def _service(name: str, *, control_planes_only: bool = False) -> Callable[[Target], Awaitable[None]]:
    async def holds(target: Target) -> None:
        async def probe(node: str) -> None:
            state = (await target.nodes.services(node)).get(name)
            if state is None:
                raise errors.NotReady(f'service "{name}" not found')
            if not state.up:
                word = state.state if state.state != "Running" else "Running but not healthy"
                raise errors.NotReady(f'service "{name}" is {word}{": " + state.message if state.message else ""}')

        await _each(target.control_planes if control_planes_only else target.all, probe)

    return holds


async def _etcd_members_consistent(target: Target) -> None:
    lists = await asyncio.gather(*(target.nodes.etcd_members(n) for n in target.control_planes))
    views = [frozenset((m.id, m.hostname) for m in members) for members in lists]
    for node, view in zip(target.control_planes, views, strict=True):
        if view != views[0]:
            raise errors.NotReady(
                f"{node} sees {len(view)} members, {target.control_planes[0]} sees {len(views[0])}, or others"
            )


async def _etcd_members_are_control_planes(target: Target) -> None:
    members = await target.nodes.etcd_members(target.control_planes[0])
    addresses = frozenset().union(*(m.addresses for m in members)) if members else frozenset[str]()
    missing = [n for n in target.control_planes if n not in addresses]
    if missing:
        raise errors.NotReady(f"control plane nodes without an etcd member: {', '.join(missing)}")
    if len(members) != len(target.control_planes):
        raise errors.NotReady(f"{len(members)} etcd members for {len(target.control_planes)} control plane nodes")


async def _memory(target: Target) -> None:
    async def probe(node: str) -> None:
        least = MEMORY_MINIMUM_BYTES[node in target.control_planes]
        found = await target.nodes.memory_bytes(node)
        if found < least:
            raise errors.NotReady(f"{found >> 20} MiB of memory, at least {least >> 20} MiB are needed")

    await _each(target.all, probe)


async def _booted(target: Target) -> None:
    async def probe(node: str) -> None:
        stage = await target.nodes.stage(node)
        if stage != "running":
            raise errors.NotReady(f"machine is {stage}")
        unmet = await target.nodes.unmet_conditions(node)
        if unmet:
            raise errors.NotReady("; ".join(unmet))

    await _each(target.all, probe)


def _addresses(node: Json) -> set[str]:
    return {a["address"] for a in node.get("status", {}).get("addresses", ()) if a["type"] == "InternalIP"}


def _condition(obj: Json, kind: str) -> str:
    conditions = obj.get("status", {}).get("conditions") or ()
    return next((str(c["status"]) for c in conditions if c["type"] == kind), "Unknown")


async def _nodes_report(target: Target) -> None:
    nodes = await target.kube.list("/api/v1/nodes")
    seen = set[str]().union(*(_addresses(n) for n in nodes)) if nodes else set[str]()
    missing = [n for n in target.all if n not in seen]
    if missing:
        raise errors.NotReady(f"not yet registered in Kubernetes: {', '.join(missing)}")


async def _nodes_ready(target: Target) -> None:
    nodes = await target.kube.list("/api/v1/nodes")
    late = [n["metadata"]["name"] for n in nodes if _condition(n, "Ready") != "True"]
    if late or not nodes:
        raise errors.NotReady(f"some nodes are not ready: {', '.join(late) or 'there are none'}")


async def _nodes_schedulable(target: Target) -> None:
    nodes = await target.kube.list("/api/v1/nodes")
    closed = [n["metadata"]["name"] for n in nodes if n.get("spec", {}).get("unschedulable")]
    if closed:
        raise errors.NotReady(f"some nodes are not schedulable: {', '.join(closed)}")


async def _control_plane_pods(target: Target) -> None:
    """Every control plane shows each component to Kubernetes; whether it is ready, `_booted` asked the kubelets.

    What Kubernetes knows of a static pod is a copy, which kubelet may renew as late as ten seconds after a change.
    """
    pods = await target.kube.list("/api/v1/namespaces/kube-system/pods")
    for app in CONTROL_PLANE_APPS:
        found = [p for p in pods if p["metadata"].get("labels", {}).get("k8s-app") == app]
        alive = [p for p in found if p.get("status", {}).get("phase") != "Failed"]
        if len(alive) < len(target.control_planes):
            raise errors.NotReady(f"{len(alive)} of {len(target.control_planes)} {app} pods are there")


def _workload(label: str, *, every_node: bool) -> Callable[[Target], Awaitable[None]]:
    """Pods with `k8s-app=<label>` are Ready, on each node if asked. None at all is fine: it may be disabled."""

    async def holds(target: Target) -> None:
        pods = await target.kube.list("/api/v1/namespaces/kube-system/pods", label_selector=f"k8s-app={label}")
        if not pods:
            path = "daemonsets" if every_node else "deployments"
            owners = await target.kube.list(
                f"/apis/apps/v1/namespaces/kube-system/{path}", label_selector=f"k8s-app={label}"
            )
            if owners:
                raise errors.NotReady(f"no pods of {label} yet")
            return
        late = [p["metadata"]["name"] for p in pods if _condition(p, "Ready") != "True"]
        if late:
            raise errors.NotReady(f"some pods are not ready: {', '.join(late)}")
        if every_node and len(pods) < len(target.all):
            raise errors.NotReady(f"{len(pods)} of {len(target.all)} pods of {label}")

    return holds


CHECKS: tuple[Check, ...] = (
    Check("etcd to be healthy", _service("etcd", control_planes_only=True)),
    Check("etcd members to be consistent across nodes", _etcd_members_consistent),
    Check("etcd members to be control plane nodes", _etcd_members_are_control_planes),
    Check("apid to be ready", _service("apid")),
    Check("all nodes memory sizes", _memory),
    Check("kubelet to be healthy", _service("kubelet")),
    Check("all nodes to finish boot sequence", _booted),
    Check("all k8s nodes to report", _nodes_report),
    Check("all control plane components to be ready", _control_plane_pods),
    Check("all k8s nodes to report ready", _nodes_ready),
    Check("kube-proxy to report ready", _workload("kube-proxy", every_node=True)),
    Check("coredns to report ready", _workload("kube-dns", every_node=False)),
    Check("all k8s nodes to report schedulable", _nodes_schedulable),
)


def discovered(control_planes: Sequence[str], workers: Sequence[str]) -> str:
    """Return the first line of a report."""
    names = " ".join(f'"{node}"' for node in (*control_planes, *workers))
    return f"discovered nodes: [{names}]"


async def _attempt(check: Check, target: Target) -> str | None:
    """None when the check holds, else the reason."""
    try:
        async with asyncio.timeout(ATTEMPT_S):
            await check.holds(target)
    except TimeoutError:
        return f"no answer within {ATTEMPT_S:.0f} s"
    # A booting node fails in every way there is.
    except Exception as error:
        return str(error) or type(error).__name__
    return None


async def run(
    target: Target,
    report: Callable[[str], Awaitable[None]],
    *,
    timeout_s: float,
    checks: Sequence[Check] = CHECKS,
) -> None:
    """Wait until all checks hold, in order. `report` gets each new line.

    Raises TimedOut with the sentence and the last reason.
    """
    deadline = asyncio.get_running_loop().time() + timeout_s
    for check in checks:
        await report(f"waiting for {check.sentence}: ...")
        said = ""
        while (reason := await _attempt(check, target)) is not None:
            if reason != said:
                await report(f"waiting for {check.sentence}: {reason}")
                said = reason
            if asyncio.get_running_loop().time() >= deadline:
                raise errors.TimedOut(f"still waiting for {check.sentence}: {reason}")
            await asyncio.sleep(POLL_S)
        await report(f"waiting for {check.sentence}: OK")
