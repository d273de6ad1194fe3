"""reset and shutdown take nodes away, so they get a cluster of their own."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.cluster import driver
from tests.cluster.driver import LocalCluster, until

PREFIX = "10.91.0"


def _node(cluster: LocalCluster, address: str) -> Any:
    return cluster.get("node", cluster.node_name(address))


def _members(cluster: LocalCluster) -> str:
    return cluster.talosctl("get", "members", node=cluster.planes[0]).out


@pytest.mark.feature("A051", "A056", "G008", "H018", "H019", "H020", "M044")
@pytest.mark.slow
@pytest.mark.timeout(driver.CREATE_TIMEOUT_S + 300)
def test_nodes_leave(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("power-home")
    with driver.created(home, f"w{os.getpid()}", PREFIX) as cluster:
        (plane,), (worker,) = cluster.planes, cluster.worker_nodes
        _only_member_stays(cluster, plane)
        _pod_on(cluster, worker)
        _begins_anew(cluster, worker)

        ran = cluster.talosctl("reset", "--timeout", "2m", node=worker, timeout_s=150)
        assert ran.err.splitlines()[0].startswith(f"{worker}: reset START")
        assert ran.err.splitlines()[-1] == f"{worker}: gone"
        until(lambda: worker not in _members(cluster), 10, "discovery has forgotten the node")
        assert list((cluster.folder / f"nodes/{cluster.node_name(worker)}/state").iterdir()) == []
        assert cluster.services(plane)["etcd"] == ("Running", "OK")

        ran = cluster.talosctl("shutdown", "--timeout", "2m", node=plane, timeout_s=150)
        assert f"{plane}: cordonAndDrain STOP" in ran.err
        assert ran.err.splitlines()[-1] == f"{plane}: gone"
        shown = cluster.talosctl("cluster", "show", "--name", cluster.name).out
        assert sum("down: shut down" in line for line in shown.splitlines()) == 2


def _only_member_stays(cluster: LocalCluster, plane: str) -> None:
    """A graceful reset is refused before anything is stopped."""
    refused = cluster.talosctl("reset", "--timeout", "30s", node=plane, check=False)
    assert refused.code != 0
    assert "only member of etcd" in refused.err
    assert "--graceful=false" in refused.err
    assert not _node(cluster, plane)["spec"].get("unschedulable")


def _pod_on(cluster: LocalCluster, worker: str) -> None:
    """A pod that nothing but an eviction takes from the node."""
    cluster.apply(
        {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "moves"},
            "spec": {
                "nodeName": cluster.node_name(worker), "terminationGracePeriodSeconds": 1,
                "securityContext": {
                    "runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}
                },
                "containers": [{"name": "main", "image": driver.IMAGE, "args": ["sleep", "3600"]}],
            },
        }
    )  # fmt: skip


def _begins_anew(cluster: LocalCluster, worker: str) -> None:
    """A reset with a reboot drains, wipes, and comes back as a node with another identity and no cordon."""
    identity = cluster.folder / f"nodes/{cluster.node_name(worker)}/state/node-identity.yaml"
    before = identity.read_text()
    events = cluster.talosctl("reset", "--reboot", "--timeout", "2m", node=worker, timeout_s=150).err
    assert f"{worker}: cordonAndDrain STOP" in events
    gone = cluster.kubectl("get", "pod", "moves", check=False)
    assert "NotFound" in gone.err
    until(lambda: identity.exists() and identity.read_text() != before, 60, "the node has another identity")
    until(lambda: cluster.services(worker).get("kubelet") == ("Running", "OK"), 90, "the node runs again")

    def free() -> bool:
        node = _node(cluster, worker)
        marked = "talos.dev/cordoned" in node["metadata"].get("annotations", {})
        return not node["spec"].get("unschedulable") and not marked

    until(free, 60, "the node is uncordoned")
    until(lambda: worker in _members(cluster), 30, "the others know it again")
