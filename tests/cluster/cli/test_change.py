"""The commands that change nodes, against real ones. Each leaves the cluster as it found it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests import capabilities
from tests.cluster import driver
from tests.cluster.cli.test_look import rows

Cluster = driver.LocalCluster


def _layout_tar(target: Path, name: str) -> str:
    """One image of the artifact set as an archive under another name; returns the name."""
    images = capabilities.artifacts_dir() / "images"
    index = json.loads((images / "index.json").read_text())
    wanted = next(m for m in index["manifests"] if "pause" in json.dumps(m.get("annotations") or {}))
    manifest = json.loads((images / "blobs" / wanted["digest"].replace(":", "/")).read_text())
    index["manifests"] = [wanted | {"annotations": {"org.opencontainers.image.ref.name": name}}]
    (target / "index.json").write_text(json.dumps(index))
    (target / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    blobs = [wanted["digest"], manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]
    (target / "blobs/sha256").mkdir(parents=True)
    for digest in blobs:
        path = "blobs/" + digest.replace(":", "/")
        (target / path).write_bytes((images / path).read_bytes())
    archive = target.with_suffix(".tar")
    subprocess.run(["tar", "-C", str(target), "-cf", str(archive), "."], check=True)
    return str(archive)


def _names(cluster: Cluster, node: str, namespace: str = "cri") -> set[str]:
    return {row[1] for row in rows(cluster.talosctl("image", "list", "--namespace", namespace, node=node).out)[1:]}


@pytest.mark.feature("A006", "A007")
def test_an_image_is_imported_and_removed(cluster: Cluster, tmp_path: Path) -> None:
    node, name = cluster.worker_nodes[0], "example.org/imported:v1"
    (tmp_path / "layout").mkdir()
    archive = _layout_tar(tmp_path / "layout", name)
    _, (_, imported) = rows(cluster.talosctl("image", "import", archive, node=node).out)
    assert imported == name
    assert name in _names(cluster, node)
    assert name not in _names(cluster, node, "system")
    cluster.talosctl("image", "remove", name, node=node)
    assert name not in _names(cluster, node)
    assert cluster.talosctl("image", "remove", name, node=node, check=False).code == 3
    cluster.talosctl("image", "import", archive, "--namespace", "system", node=node)
    assert name in _names(cluster, node, "system")
    cluster.talosctl("image", "rm", "--namespace", "system", name, node=node)


@pytest.mark.feature("A006")
def test_an_archive_that_is_none_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"not a tar")
    ran = cluster.talosctl("image", "import", str(tmp_path / "x.tar"), check=False)
    assert ran.code == 2
    layout = tmp_path / "layout"
    layout.mkdir()
    archive = _layout_tar(layout, "example.org/evil:v1")
    blob = max((layout / "blobs/sha256").iterdir(), key=lambda p: p.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    subprocess.run(["tar", "-C", str(layout), "-cf", archive, "."], check=True)
    ran = cluster.talosctl("image", "import", archive, check=False)
    assert ran.code == 2
    assert blob.name in ran.err


@pytest.mark.feature("A005")
def test_a_pull_that_can_not_work_says_why(cluster: Cluster) -> None:
    ran = cluster.talosctl("image", "pull", "127.0.0.1:1/nothing:v1", check=False)
    assert ran.code != 0
    assert "127.0.0.1:1" in ran.err


@pytest.mark.feature("A053")
def test_a_service_is_restarted(cluster: Cluster) -> None:
    node = cluster.worker_nodes[0]
    before = rows(cluster.talosctl("containers", node=node).out)[1][4]
    cluster.talosctl("service", "kubelet", "restart", node=node)
    driver.until(lambda: cluster.services(node)["kubelet"] == ("Running", "OK"), 60, "kubelet is back")
    assert rows(cluster.talosctl("containers", node=node).out)[1][4] != before
    refused = cluster.talosctl("service", "machined", "stop", node=node, check=False)
    assert refused.code == 7


@pytest.mark.feature("A049")
def test_a_container_is_restarted(cluster: Cluster) -> None:
    def proxies() -> dict[str, str]:
        found = rows(cluster.talosctl("containers", "-k", node=cluster.worker_nodes[0]).out)[1:]
        return {row[2].removeprefix("└─ "): row[4] for row in found if ":kube-proxy:" in row[2] and len(row) == 6}

    ((id, _),) = proxies().items()
    cluster.talosctl("restart", "-k", id, node=cluster.worker_nodes[0])
    driver.until(lambda: (new := proxies()) and id not in new, 60, "another kube-proxy runs")
    assert cluster.talosctl("restart", "-k", "kube-system/nobody:x:0123", check=False).code == 3


@pytest.mark.feature("A014", "G015")
def test_a_label_comes_and_goes_with_the_configuration(cluster: Cluster, tmp_path: Path) -> None:
    node = cluster.worker_nodes[0]
    name = cluster.node_name(node)
    config = yaml.safe_load(cluster.talosctl("get", "mc", "v1alpha1", "-o", "yaml", node=node).out)["spec"]
    patch = {"apiVersion": "v1alpha1", "kind": "KubeNodeConfig", "labels": {"example.org/tested": "yes"}}
    dry = cluster.talosctl("patch", "mc", "--dry-run", "-p", json.dumps(patch), node=node)
    assert "example.org/tested" in dry.err
    assert "example.org/tested" not in cluster.get("node", name)["metadata"]["labels"]

    cluster.talosctl("patch", "mc", "--mode", "no-reboot", "-p", json.dumps(patch), node=node)
    driver.until(
        lambda: cluster.get("node", name)["metadata"]["labels"].get("example.org/tested") == "yes", 30, "label is there"
    )
    file = tmp_path / "before.yaml"
    file.write_text(config)
    cluster.talosctl("apply-config", "-f", str(file), "--mode", "no-reboot", node=node)
    driver.until(
        lambda: "example.org/tested" not in cluster.get("node", name)["metadata"]["labels"], 30, "label is gone"
    )
    again = yaml.safe_load(cluster.talosctl("get", "mc", "v1alpha1", "-o", "yaml", node=node).out)["spec"]
    assert again == config


@pytest.mark.feature("A014")
def test_a_wrong_configuration_is_refused_with_its_place(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("version: v1alpha1\nmachine:\n    type: teapot\n")
    ran = cluster.talosctl("apply-config", "-f", str(file), check=False)
    assert ran.code == 2
    assert re.search(r":3:\d+:", ran.err)


@pytest.mark.feature("A048", "G008")
@pytest.mark.slow
def test_a_worker_reboots_and_is_back(cluster: Cluster) -> None:
    node = cluster.worker_nodes[0]
    before = cluster.talosctl("get", "machinestatus", "-o", "jsonpath={.metadata.created}", node=node).out
    ran = cluster.talosctl("reboot", "--timeout", "2m", node=node, timeout_s=150)
    assert ran.err.splitlines()[-1] == f"{node}: back"
    assert any(line.startswith(f"{node}: reboot START") for line in ran.err.splitlines())
    assert cluster.talosctl("get", "machinestatus", "-o", "jsonpath={.metadata.created}", node=node).out != before
    cluster.talosctl("health", "--wait-timeout", "3m", timeout_s=200)


@pytest.mark.feature("G010")
@pytest.mark.slow
def test_pods_leave_a_worker_before_it_reboots(cluster: Cluster) -> None:
    node = cluster.worker_nodes[0]
    name = cluster.node_name(node)
    labels = {"app": "drained"}
    container = {"name": "box", "image": driver.IMAGE, "command": ["sleep", "1000"]}
    cluster.apply(
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "drained"},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 1, "nodeName": name, "containers": [container]},
            }},
        }
    )  # fmt: skip

    def running() -> list[str]:
        pods = cluster.get("pods", "-l", "app=drained")["items"]
        return [pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] == "Running"]

    (pod,) = driver.until(running, 60, "the pod runs")
    try:
        ran = cluster.talosctl(
            "reboot", "--drain", "--drain-timeout", "1m", "--timeout", "2m", node=node, timeout_s=240
        )
    finally:
        cluster.kubectl("delete", "deployment", "drained")
    lines = ran.err.splitlines()
    assert lines.index(f"{node}: pod default/{pod} is gone") < lines.index(f"{node}: reboot START")
    assert lines[-1] == f"{node}: node {name} takes pods again"
    assert "unschedulable" not in cluster.get("node", name)["spec"]
    cluster.talosctl("health", "--wait-timeout", "3m", timeout_s=200)


@pytest.mark.feature("A063")
def test_sockets_of_the_node_and_of_pods(cluster: Cluster) -> None:
    header, *found = rows(cluster.talosctl("netstat", "-lpt", node=cluster.planes[0]).out)
    assert header == [
        "NODE", "Proto", "Recv-Q", "Send-Q", "Local Address", "Foreign Address", "State", "PID/Program name",
    ]  # fmt: skip
    holders = {row[4].rpartition(":")[2]: row[7].partition("/")[2] for row in found}
    assert holders["50000"] and holders["2379"].startswith("etcd")
    _, *found = rows(cluster.talosctl("netstat", "-lktv", node=cluster.planes[0]).out)
    assert any(row[-1].startswith("kube-system/coredns-") and row[4].endswith(":53") for row in found)
