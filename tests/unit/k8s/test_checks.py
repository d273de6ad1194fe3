"""Cluster health checks against clusters described as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from talos.base import errors
from talos.k8s import checks

UP = checks.ServiceState("Running", True)


def pod(app: str, ready: bool = True, name: str = "") -> dict[str, Any]:
    return {
        "metadata": {"name": name or app, "labels": {"k8s-app": app}},
        "status": {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }


def node(name: str, address: str, ready: bool = True, cordoned: bool = False) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"unschedulable": cordoned},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}],
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


@dataclass
class Cluster:
    """A healthy cluster of one control plane and one worker; tests break one thing."""

    services_by_node: dict[str, dict[str, checks.ServiceState]] = field(
        default_factory=lambda: {
            "10.5.0.2": {"etcd": UP, "apid": UP, "kubelet": UP},
            "10.5.0.3": {"apid": UP, "kubelet": UP},
        }
    )
    members: dict[str, list[checks.EtcdMember]] = field(
        default_factory=lambda: {"10.5.0.2": [checks.EtcdMember(1, "cp", frozenset({"10.5.0.2"}))]}
    )
    memory: int = 8 << 30
    stages: dict[str, str] = field(default_factory=dict)
    nodes: list[dict[str, Any]] = field(default_factory=lambda: [node("cp", "10.5.0.2"), node("worker", "10.5.0.3")])
    pods: list[dict[str, Any]] = field(
        default_factory=lambda: [
            *(pod(app) for app in checks.CONTROL_PLANE_APPS),
            pod("kube-proxy", name="p1"),
            pod("kube-proxy", name="p2"),
            pod("kube-dns"),
        ]
    )

    async def services(self, node: str) -> Mapping[str, checks.ServiceState]:
        return self.services_by_node[node]

    async def etcd_members(self, node: str) -> Sequence[checks.EtcdMember]:
        return self.members[node]

    async def memory_bytes(self, node: str) -> int:
        return self.memory

    async def stage(self, node: str) -> str:
        return self.stages.get(node, "running")

    async def unmet_conditions(self, node: str) -> Sequence[str]:
        return ()

    async def list(self, path: str, *, label_selector: str = "") -> Sequence[checks.Json]:
        if path == "/api/v1/nodes":
            return self.nodes
        if not path.endswith("/pods"):
            return []
        if not label_selector:
            return self.pods
        return [p for p in self.pods if p["metadata"]["labels"]["k8s-app"] == label_selector.removeprefix("k8s-app=")]


async def run(cluster: Cluster) -> list[str]:
    lines: list[str] = []

    async def report(line: str) -> None:
        lines.append(line)

    target = checks.Target(("10.5.0.2",), ("10.5.0.3",), cluster, cluster)
    await checks.run(target, report, timeout_s=0)
    return lines


@pytest.mark.feature("Q021")
async def test_healthy_cluster_passes_every_check_in_order() -> None:
    done = [line for line in await run(Cluster()) if line.endswith(": OK")]
    assert done == [f"waiting for {check.sentence}: OK" for check in checks.CHECKS]


def _break_etcd(c: Cluster) -> None:
    c.services_by_node["10.5.0.2"]["etcd"] = checks.ServiceState("Running", False, message="no leader")


def _drop_kubelet(c: Cluster) -> None:
    del c.services_by_node["10.5.0.3"]["kubelet"]


def _foreign_member(c: Cluster) -> None:
    c.members["10.5.0.2"] = [checks.EtcdMember(1, "old", frozenset({"10.5.0.9"}))]


def _second_member(c: Cluster) -> None:
    c.members["10.5.0.2"].append(checks.EtcdMember(2, "left-over", frozenset({"10.5.0.9"})))


def _little_memory(c: Cluster) -> None:
    c.memory = 512 << 20


def _still_booting(c: Cluster) -> None:
    c.stages["10.5.0.3"] = "booting"


def _missing_node(c: Cluster) -> None:
    c.nodes.pop()


def _unready_node(c: Cluster) -> None:
    c.nodes[1] = node("worker", "10.5.0.3", ready=False)


def _cordoned(c: Cluster) -> None:
    c.nodes[1] = node("worker", "10.5.0.3", cordoned=True)


def _no_scheduler(c: Cluster) -> None:
    c.pods = [p for p in c.pods if p["metadata"]["labels"]["k8s-app"] != "kube-scheduler"]


def _one_proxy(c: Cluster) -> None:
    c.pods = [p for p in c.pods if p["metadata"]["name"] != "p2"]


def _bad_dns(c: Cluster) -> None:
    c.pods[-1] = pod("kube-dns", ready=False)


@pytest.mark.feature("Q021")
@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_break_etcd, 'etcd to be healthy: 10.5.0.2: service "etcd" is Running but not healthy: no leader'),
        (_drop_kubelet, 'kubelet to be healthy: 10.5.0.3: service "kubelet" not found'),
        (_foreign_member, "control plane nodes without an etcd member: 10.5.0.2"),
        (_second_member, "2 etcd members for 1 control plane nodes"),
        (_little_memory, "512 MiB of memory"),
        (_still_booting, "10.5.0.3: machine is booting"),
        (_missing_node, "not yet registered in Kubernetes: 10.5.0.3"),
        (_unready_node, "some nodes are not ready: worker"),
        (_cordoned, "some nodes are not schedulable: worker"),
        (_no_scheduler, "0 of 1 kube-scheduler pods are there"),
        (_one_proxy, "1 of 2 pods of kube-proxy"),
        (_bad_dns, "some pods are not ready: kube-dns"),
    ],
)
async def test_what_is_broken_is_named(harm, words: str) -> None:  # type: ignore[no-untyped-def]
    cluster = Cluster()
    harm(cluster)
    with pytest.raises(errors.TimedOut) as caught:
        await run(cluster)
    assert words in str(caught.value)
