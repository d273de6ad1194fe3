"""etcd's data are lost, a snapshot brings them back. On a cluster of its own: what came after the snapshot is gone."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import driver
from tests.cluster.driver import LocalCluster, until

PREFIX = "10.88.0"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    if given := os.environ.get("TALOS_TEST_RECOVER"):
        home, name, prefix = given.split(":")
        yield LocalCluster(name, Path(home), prefix, 1, 0)
        return
    home = tmp_path_factory.mktemp("recover-home")
    with driver.created(home, f"r{os.getpid()}", PREFIX, workers=0) as made:
        yield made


def lose_etcd(cluster: LocalCluster, node: str) -> None:
    """Delete the data below a running etcd and kill it, then boot the node anew; no empty cluster begins."""
    (pid,) = cluster.pids(node, lambda command: command.endswith("/etcd"))
    shutil.rmtree(f"/proc/{pid}/root/var/lib/etcd/member")
    os.kill(pid, signal.SIGKILL)
    until(lambda: cluster.services(node)["etcd"][0] == "Preparing", 30, "the restart looks at the data again")
    time.sleep(3)
    assert cluster.services(node)["etcd"][0] == "Preparing"
    assert not cluster.pids(node, lambda command: command.endswith("/etcd"))
    (machined,) = cluster.pids(node, lambda command: command.endswith("machined"))
    cluster.talosctl("reboot", "--wait=false", node=node)
    until(lambda: not Path(f"/proc/{machined}").exists(), 60, "machined ends with the node")


@pytest.mark.feature("A027", "A028", "G016", "M003", "S015")
def test_cluster_comes_back_from_a_snapshot(alone: LocalCluster, tmp_path: Path) -> None:
    node, snapshot = alone.planes[0], tmp_path / "etcd.snapshot"
    alone.kubectl("create", "configmap", "before", "--from-literal=a=b")
    alone.talosctl("etcd", "snapshot", str(snapshot), node=node)
    alone.kubectl("create", "configmap", "after", "--from-literal=a=b")
    (old,) = alone.talosctl("etcd", "members", node=node).out.splitlines()[1:]
    lose_etcd(alone, node)
    until(lambda: alone.services(node)["etcd"][0] == "Preparing", 60, "etcd waits for somebody to say how to begin")

    # Damaged on its way: refused, and etcd goes on waiting.
    damaged = tmp_path / "damaged"
    content = bytearray(snapshot.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    alone.talosctl("bootstrap", "--recover-from", str(damaged), node=node, check=False)
    until(lambda: alone.services(node)["etcd"][0] != "Running", 10, "a damaged snapshot is no beginning")

    def recovered() -> bool:
        alone.talosctl("bootstrap", "--recover-from", str(snapshot), node=node, check=False)
        return alone.services(node)["etcd"] == ("Running", "OK")

    until(recovered, 60, "etcd runs on the snapshot", every_s=2)
    until(lambda: alone.kubectl("get", "configmap", "before", check=False).code == 0, 120, "the API server answers")
    assert "NotFound" in alone.kubectl("get", "configmap", "after", check=False).err
    (new,) = alone.talosctl("etcd", "members", node=node).out.splitlines()[1:]
    assert new.split()[2] == old.split()[2]
    # It is a cluster one can write to, and a restarted etcd goes on with it.
    alone.kubectl("create", "configmap", "later", "--from-literal=a=b")
    for pid in alone.pids(node, lambda command: command.endswith("/etcd")):
        os.kill(pid, signal.SIGKILL)
    until(lambda: alone.kubectl("get", "configmap", "later", check=False).code == 0, 60, "etcd is back after a kill")
