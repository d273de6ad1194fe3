"""Draining against a server that speaks HTTP: who has to go, who refuses, who stays too long."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from talos.base import errors
from talos.k8s import drain
from tests.unit.k8s.test_client import Answer, failure, serving


def _pod(name: str, *, uid: str = "u1", phase: str = "Running", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "default", "name": name, "uid": uid, **metadata}, "status": {"phase": phase}}


DAEMON = _pod("daemon", ownerReferences=[{"kind": "DaemonSet", "controller": True}])
MIRROR = _pod("mirror", annotations={drain.MIRROR: "x"})
DONE = _pod("done", phase="Succeeded")
REPLICA = _pod("replica", ownerReferences=[{"kind": "ReplicaSet", "controller": True}])
BARE = _pod("bare")


def test_who_has_to_go() -> None:
    assert drain.to_evict([DAEMON, MIRROR, DONE, REPLICA, BARE]) == [REPLICA, BARE]


class Cluster:
    """Pods of one node; an evicted one is gone at the next look. `budget` evictions are refused first."""

    def __init__(self, *pods: dict[str, Any], budget: int = 0, sticky: bool = False) -> None:
        self.pods = {pod["metadata"]["name"]: pod for pod in pods}
        self.budget, self.sticky = budget, sticky
        self.unschedulable: list[object] = []
        self.evicted: list[str] = []

    def __call__(self, method: str, target: str, body: bytes) -> Answer:
        url = urlsplit(target)
        words = url.path.split("/")
        if method == "PATCH":
            self.unschedulable.append(json.loads(body)["spec"]["unschedulable"])
            return (200, {}) if words[-1] == "worker-1" else failure(404, "NotFound")
        if words[-1] == "pods":
            assert parse_qs(url.query)["fieldSelector"] == ["spec.nodeName=worker-1"]
            return 200, {"metadata": {"resourceVersion": "1"}, "items": list(self.pods.values())}
        if words[-1] == "eviction":
            return self._evict(json.loads(body)["metadata"]["name"])
        found = self.pods.get(words[-1])
        return (200, found) if found else failure(404, "NotFound")

    def _evict(self, name: str) -> Answer:
        if self.budget > 0:
            self.budget -= 1
            return failure(429, "TooManyRequests")
        self.evicted.append(name)
        if not self.sticky:
            del self.pods[name]
        return 201, {}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "_RETRY_S", 0.01)
    monkeypatch.setattr(drain, "_POLL_S", 0.01)


async def test_drain(tmp_path: Path) -> None:
    cluster, told = Cluster(DAEMON, MIRROR, DONE, REPLICA, BARE, budget=3), []
    async with serving(cluster, tmp_path) as (_, client):
        await drain.drain(client, "worker-1", timeout_s=10, report=told.append)
        assert sorted(cluster.evicted) == ["bare", "replica"]
        assert sorted(told) == ["pod default/bare is gone", "pod default/replica is gone"]
        assert cluster.unschedulable == [True]
        await drain.set_schedulable(client, "worker-1", schedulable=True)
        assert cluster.unschedulable == [True, None]


async def test_a_pod_that_stays_is_named(tmp_path: Path) -> None:
    async with serving(Cluster(BARE, sticky=True), tmp_path) as (_, client):
        with pytest.raises(errors.TimedOut, match="default/bare"):
            await drain.drain(client, "worker-1", timeout_s=0.2)


async def test_a_pod_of_the_same_name_is_another(tmp_path: Path) -> None:
    cluster = Cluster(BARE, sticky=True)

    def answer(method: str, target: str, body: bytes) -> Answer:
        result = cluster(method, target, body)
        if cluster.evicted:
            cluster.pods["bare"] = _pod("bare", uid="u2")
        return result

    async with serving(answer, tmp_path) as (_, client):
        await drain.drain(client, "worker-1", timeout_s=5)


async def test_a_node_that_is_not_there(tmp_path: Path) -> None:
    async with serving(Cluster(BARE), tmp_path) as (_, client):
        with pytest.raises(errors.NotFound):
            await drain.drain(client, "worker-9", timeout_s=5)


async def test_uncordon_waits_for_the_api_server(tmp_path: Path) -> None:
    cluster, refused = Cluster(), [503, 500]

    def answer(method: str, target: str, body: bytes) -> Answer:
        return failure(refused.pop()) if refused else cluster(method, target, body)

    async with serving(answer, tmp_path) as (server, client):
        await drain.uncordon(client, "worker-1", timeout_s=5)
        assert cluster.unschedulable == [None]
        server.close()
        server.handler = lambda *_: failure(503)
        with pytest.raises(errors.TimedOut):
            await drain.uncordon(client, "worker-1", timeout_s=0.05)


class Node:
    """One Node, patched by merging."""

    def __init__(self, **spec: Any) -> None:
        self.object: dict[str, Any] = {"metadata": {"name": "worker-1"}, "spec": spec}
        self.patches: list[Any] = []

    def __call__(self, method: str, target: str, body: bytes) -> Answer:
        if method == "PATCH":
            self.patches.append(json.loads(body))
        return 200, self.object


@pytest.mark.feature("M044")
async def test_what_the_machine_cordons_carries_its_mark(tmp_path: Path) -> None:
    free, held = Node(), Node(unschedulable=True)
    for name in ("free", "held"):
        (tmp_path / name).mkdir()
    async with serving(free, tmp_path / "free") as (_, client):
        await drain.cordon_own(client, "worker-1")
    async with serving(held, tmp_path / "held") as (_, client):
        await drain.cordon_own(client, "worker-1")
    assert free.patches == [
        {"metadata": {"annotations": {"talos.dev/cordoned": "true"}}, "spec": {"unschedulable": True}}
    ]
    assert held.patches == []  # a person's cordon stays theirs
