"""Three control planes: one may die at any moment, the leader of etcd too."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import capabilities
from tests.cluster import driver
from tests.cluster.driver import LocalCluster, until

PREFIX = "10.88.0"
NAMESPACE = "writes"
BEFORE_S, AFTER_S = 5.0, 20.0
GAP_S = 10.0
PLANES = 3


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Three control planes and a worker. TALOS_TEST_HA_CLUSTER=HOME:NAME:PREFIX uses one that runs already."""
    if given := os.environ.get("TALOS_TEST_HA_CLUSTER"):
        home, name, prefix = given.split(":")
        yield LocalCluster(name, Path(home), prefix, PLANES, 1)
        return
    with driver.created(tmp_path_factory.mktemp("ha"), f"h{os.getpid()}", PREFIX, control_planes=PLANES) as made:
        yield made


def members(cluster: LocalCluster, node: str) -> dict[str, bool]:
    """Names of etcd's members as a node tells them, and whether each is a learner."""
    rows = [line.split() for line in cluster.talosctl("etcd", "members", node=node).out.splitlines()[1:]]
    return {row[2]: row[-1] == "true" for row in rows}


def leader(cluster: LocalCluster, nodes: list[str]) -> str:
    """Address of the node whose etcd leads, one of these."""
    for node in nodes:
        row = cluster.talosctl("etcd", "status", node=node).out.splitlines()[1].split()
        # The member's id is the second column; it is there once more, as that of the leader, if this one leads.
        if row[1] in row[2:]:
            return node
    raise AssertionError("no member leads")


@pytest.fixture
def kube_prism(cluster: LocalCluster, tmp_path: Path) -> Path:
    """A kubeconfig that leads through KubePrism of the node where it is used."""
    config = cluster.talosctl("kubeconfig", "--merge=false", str(tmp_path / "admin"), node=cluster.planes[0])
    assert config.code == 0
    text = (tmp_path / "admin").read_text()
    server = next(line.split()[-1] for line in text.splitlines() if line.strip().startswith("server:"))
    path = tmp_path / "kubeprism"
    path.write_text(text.replace(server, "https://127.0.0.1:7445"))
    return path


def begin_writer(cluster: LocalCluster, config: Path, seconds: float) -> subprocess.Popen[str]:
    """The writer in the network namespace of the worker."""
    resident = cluster.pids(cluster.worker_nodes[0], lambda argv: Path(argv).name == "kubelet")[0]
    return subprocess.Popen(
        ["nsenter", f"--net=/proc/{resident}/ns/net", "--",
         sys.executable, "-m", "tests.cluster.k8s.writer", str(config), NAMESPACE, str(seconds)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def stored(cluster: LocalCluster, node: str, folder: Path) -> set[int]:
    """Numbers of the writes a member of etcd has in its own copy."""
    files = {}
    for name in ("ca.crt", "admin.crt", "admin.key"):
        files[name] = folder / f"{node}-{name}"
        files[name].write_text(cluster.talosctl("read", f"/system/secrets/etcd/{name}", node=node).out)
    found = cluster.run(
        str(capabilities.artifacts_dir() / "bin/etcdctl"), "--endpoints", f"https://{node}:2379",
        "--cacert", str(files["ca.crt"]), "--cert", str(files["admin.crt"]), "--key", str(files["admin.key"]),
        "get", "--consistency=s", "--keys-only", "--prefix", f"/registry/configmaps/{NAMESPACE}/w",
    ).out  # fmt: skip
    return {int(line.rpartition("/w")[2]) for line in found.splitlines() if line}


def has(cluster: LocalCluster, node: str, folder: Path, numbers: set[int]) -> bool:
    return stored(cluster, node, folder) == numbers


@pytest.mark.slow
@pytest.mark.feature("M001", "M002", "M005", "E058", "E059", "E060", "E227", "E234")
def test_three_members_that_vote(cluster: LocalCluster) -> None:
    names = {cluster.node_name(node): False for node in cluster.planes}
    for node in cluster.planes:
        assert members(cluster, node) == names


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_leader_dies_and_no_write_is_lost(cluster: LocalCluster, kube_prism: Path, tmp_path: Path) -> None:
    cluster.kubectl("create", "namespace", NAMESPACE)
    victim = leader(cluster, cluster.planes)
    others = [node for node in cluster.planes if node != victim]
    with begin_writer(cluster, kube_prism, BEFORE_S + AFTER_S) as writer:
        time.sleep(BEFORE_S)
        pids = cluster.pids(victim, lambda _: True)
        assert pids
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        died = time.monotonic()
        until(lambda: leader(cluster, others), GAP_S, "another member leads", 0.5)
        out, _ = writer.communicate(timeout=AFTER_S + 60)
    writes: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    numbers = {write["number"] for write in writes}
    assert numbers == set(range(int((BEFORE_S + AFTER_S) * 20))), "every write goes through in the end"
    times = sorted(write["acknowledged"] for write in writes)
    gap = max((later - earlier, earlier - died) for earlier, later in itertools.pairwise(times))
    print(f"longest time without an acknowledged write: {gap[0]:.2f} s, {gap[1]:+.2f} s after the kill")
    assert gap[0] <= GAP_S
    cluster.talosctl("cluster", "start", "--name", cluster.name, timeout_s=180)
    names = {cluster.node_name(node): False for node in cluster.planes}
    until(lambda: members(cluster, victim) == names, 60, "the member is back")
    until(lambda: cluster.services(victim)["etcd"] == ("Running", "OK"), 60, "its etcd is healthy")
    for node in cluster.planes:
        until(functools.partial(has, cluster, node, tmp_path, numbers), 30, f"{node} has every write", 1)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.feature("M002", "M004")
def test_member_that_is_reset_leaves_and_joins_again(cluster: LocalCluster) -> None:
    victim = cluster.planes[-1]
    name = cluster.node_name(victim)
    before = etcd_ids(cluster, cluster.planes[0])
    cluster.talosctl("reset", "--timeout", "2m", node=victim, timeout_s=150)
    left = until(lambda: etcd_ids(cluster, cluster.planes[0]), 30, "etcd answers")
    assert set(before) - set(left) == {name}
    cluster.talosctl("cluster", "reboot", "--name", cluster.name, "--node", victim, timeout_s=120)
    until(lambda: members(cluster, cluster.planes[0]).get(name) is False, 90, "the member is back and votes", 1)
    assert etcd_ids(cluster, cluster.planes[0])[name] != before[name], "it has become another member"
    until(lambda: uncordoned_and_ready(cluster, name), 90, "the node is ready and takes pods", 1)


def etcd_ids(cluster: LocalCluster, node: str) -> dict[str, str]:
    rows = [line.split() for line in cluster.talosctl("etcd", "members", node=node).out.splitlines()[1:]]
    return {row[2]: row[1] for row in rows}


def uncordoned_and_ready(cluster: LocalCluster, name: str) -> bool:
    node = cluster.get("node", name)
    conditions = {condition["type"]: condition["status"] for condition in node["status"]["conditions"]}
    return conditions["Ready"] == "True" and not node["spec"].get("unschedulable")
