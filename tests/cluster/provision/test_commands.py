"""The commands of `talosctl cluster` on a running cluster, as a person types them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import driver
from tests.cluster.driver import LocalCluster

PREFIX = "10.29.0"
IMAGE = "example.org/provision-test:v1"
GIB = 1024**3

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """One control plane and one worker, made with most of the flags; what they do is looked at by the tests."""
    home = tmp_path_factory.mktemp("provision-home")
    shared, label = home / "shared", home / "label.yaml"
    shared.mkdir()
    (shared / "greeting").write_text("hello from the host\n")
    label.write_text("apiVersion: v1alpha1\nkind: KubeNodeConfig\nlabels:\n  mine: 'yes'\n")
    name = f"p{os.getpid()}"
    with driver.network(home, name, PREFIX) as prefix:
        made = LocalCluster(name, home, prefix, 1, 1)
        try:
            created = made.talosctl(
                "cluster", "create", "--name", made.name, "--cidr", f"{prefix}.0/24", "--disk", "5GiB",
                "--cpus-workers", "1.5", "--memory-workers", "1536MiB", "--skip-kubeconfig",
                "--config-patch", '{"machine": {"sysctls": {"net.ipv4.tcp_keepalive_time": "1234"}}}',
                "--config-patch-workers", f"@{label}", "--mount", f"source={shared},target=/etc/shared,readonly",
                "--wait-timeout", "380s", "-o", "json", timeout_s=driver.CREATE_TIMEOUT_S,
            )  # fmt: skip
            assert [node["state"] for node in json.loads(created.out)["nodes"]] == ["running", "running"]
            assert not (home / ".kube").exists()
            made.talosctl("kubeconfig", str(home / ".kube/config"), "--merge=false", node=made.planes[0])
            yield made
        finally:
            driver.destroy(home, name)


def _cluster(cluster: LocalCluster, *words: str, **options: Any) -> driver.Output:
    return cluster.talosctl("cluster", *words, "--name", cluster.name, **options)


def _nodes(cluster: LocalCluster) -> dict[str, dict[str, Any]]:
    shown = json.loads(_cluster(cluster, "show", "-o", "json").out)
    return {node["name"].removeprefix(f"{cluster.name}-"): node for node in shown["nodes"]}


def _ready(cluster: LocalCluster) -> dict[str, bool]:
    found = {}
    for node in cluster.get("nodes")["items"]:
        name = node["metadata"]["name"].removeprefix(f"{cluster.name}-")
        conditions = {one["type"]: one["status"] for one in node["status"]["conditions"]}
        found[name] = conditions["Ready"] == "True"
    return found


@pytest.mark.feature("G013", "G024")
def test_flags_of_create(cluster: LocalCluster) -> None:
    for node in cluster.nodes:
        assert cluster.talosctl("read", "/proc/sys/net/ipv4/tcp_keepalive_time", node=node).out.strip() == "1234"
        assert cluster.talosctl("read", "/etc/shared/greeting", node=node).out == "hello from the host\n"
    labels = {n["metadata"]["name"]: n["metadata"]["labels"].get("mine") for n in cluster.get("nodes")["items"]}
    assert labels == {f"{cluster.name}-controlplane-1": None, f"{cluster.name}-worker-1": "yes"}
    nodes = _nodes(cluster)
    pid = nodes["worker-1"]["pid"]
    with pytest.raises(OSError, match="Read-only file system"):
        Path(f"/proc/{pid}/root/etc/shared/greeting").write_text("x")
    with pytest.raises(OSError, match="Read-only file system"):
        Path(f"/proc/{pid}/root/etc/more").write_text("x")
    limits = (nodes["worker-1"]["cpus"], nodes["worker-1"]["memory_bytes"], nodes["controlplane-1"]["cpus"])
    assert limits == (1.5, 1536 * 1024**2, 2.0)
    seen = os.statvfs(f"/proc/{pid}/root/var")
    assert 4.5 * GIB < seen.f_blocks * seen.f_frsize < 5 * GIB
    table = _cluster(cluster, "show").out
    assert re.search(rf"{cluster.name}-worker-1 +worker +{cluster.prefix}\.3 +1\.50 +\S+ GB +\S+ GB +running", table)


def _archive(file: Path) -> Path:
    """An OCI archive with one image of one file."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as content:
        member = tarfile.TarInfo("hello")
        member.size = 5
        content.addfile(member, io.BytesIO(b"hello"))
    blobs: dict[str, bytes] = {}

    def blob(data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        return {"digest": f"sha256:{digest}", "size": len(data)}

    tar = blob(layer.getvalue())
    rootfs = {"type": "layers", "diff_ids": [tar["digest"]]}
    config = blob(json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}).encode())
    kind = "application/vnd.oci.image."
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}manifest.v1+json",
        "config": {"mediaType": f"{kind}config.v1+json", **config},
        "layers": [{"mediaType": f"{kind}layer.v1.tar", **tar}],
    }
    entry = blob(json.dumps(manifest).encode())
    annotations = {"io.containerd.image.name": IMAGE, "org.opencontainers.image.ref.name": "v1"}
    index = {
        "schemaVersion": 2,
        "manifests": [{"mediaType": f"{kind}manifest.v1+json", **entry, "annotations": annotations}],
    }
    files = {f"blobs/sha256/{digest}": data for digest, data in blobs.items()}
    files |= {"index.json": json.dumps(index).encode(), "oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}
    with tarfile.open(file, "w") as target:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            target.addfile(member, io.BytesIO(data))
    return file


def test_an_image_is_imported_into_all_nodes(cluster: LocalCluster, tmp_path: Path) -> None:
    archive = _archive(tmp_path / "image.tar")
    told = _cluster(cluster, "image", "import", str(archive))
    assert [line.split() for line in told.out.splitlines()[1:]] == [
        [f"{cluster.name}-controlplane-1", IMAGE],
        [f"{cluster.name}-worker-1", IMAGE],
    ]
    for node in cluster.nodes:
        assert IMAGE in cluster.talosctl("image", "list", "--namespace", "cri", node=node).out
    broken = tmp_path / "broken.tar"
    broken.write_bytes(b"no archive" * 100)
    refused = _cluster(cluster, "image", "import", str(broken), check=False)
    assert refused.code != 0
    (line,) = [line for line in refused.err.splitlines() if line.startswith("error: ")]
    assert line.endswith("the image is not a tar archive, compressed or not")
    assert "Traceback" not in refused.err


@pytest.mark.feature("G022")
def test_logs_of_nodes(cluster: LocalCluster) -> None:
    everybody = _cluster(cluster, "logs").out.splitlines()
    assert {line.partition(": ")[0] for line in everybody} == {
        f"{cluster.name}-controlplane-1",
        f"{cluster.name}-worker-1",
    }
    one = _cluster(cluster, "logs", f"{cluster.prefix}.3").out.splitlines()
    assert len(one) > 20
    assert [f"{cluster.name}-worker-1: {line}" for line in one][:20] == [
        line for line in everybody if line.startswith(f"{cluster.name}-worker-1: ")
    ][:20]


@pytest.mark.feature("G023")
def test_reset_button_of_one_node(cluster: LocalCluster) -> None:
    words = ["cluster", "logs", f"{cluster.name}-worker-1", "-f", "--name", cluster.name]
    argv = [sys.executable, "-m", "talos.talosctl.main", *words]
    follow = subprocess.Popen(argv, env=cluster.environment, stdout=subprocess.PIPE, text=True)
    try:
        before = _nodes(cluster)
        _cluster(cluster, "reboot", "-n", f"{cluster.name}-worker-1")
        driver.until(lambda: _nodes(cluster)["worker-1"]["boots"] == before["worker-1"]["boots"] + 1, 30, "it boots")
        after = _nodes(cluster)
        assert after["controlplane-1"]["pid"] == before["controlplane-1"]["pid"]
        assert after["worker-1"]["pid"] != before["worker-1"]["pid"]
        # Kubernetes keeps the old word "Ready" for 40 s: the node itself is asked first.
        worker = f"{cluster.prefix}.3"
        driver.until(lambda: cluster.talosctl("version", node=worker, check=False).code == 0, 60, "the API answers")
        driver.until(lambda: _ready(cluster)["worker-1"], 120, "the worker is Ready again")
    finally:
        time.sleep(0.5)
        follow.send_signal(signal.SIGINT)
        followed, _ = follow.communicate(timeout=20)
    assert "[launcher] reset; starting again" in followed
    assert "[machined]" in followed.partition("[launcher] reset; starting again")[2]


def test_a_worker_comes_and_goes(cluster: LocalCluster) -> None:
    assert f"added {cluster.name}-worker-2 at {cluster.prefix}.4" in _cluster(cluster, "node", "add", timeout_s=300).err
    assert _ready(cluster) == {"controlplane-1": True, "worker-1": True, "worker-2": True}
    folder = cluster.folder / f"nodes/{cluster.name}-worker-2"
    assert folder.is_dir()
    _cluster(cluster, "node", "remove", f"{cluster.name}-worker-2", timeout_s=200)
    assert sorted(_ready(cluster)) == ["controlplane-1", "worker-1"]
    assert not folder.exists()
    assert sorted(_nodes(cluster)) == ["controlplane-1", "worker-1"]


def test_a_dead_node_is_removed_and_its_number_not_used_again(cluster: LocalCluster) -> None:
    _cluster(cluster, "node", "add", "--memory", "1GiB", timeout_s=300)
    node = f"{cluster.name}-worker-3"
    record = json.loads((cluster.folder / f"nodes/{node}/run.json").read_text())
    os.kill(record["pid"], signal.SIGKILL)
    driver.until(lambda: _nodes(cluster)["worker-3"]["state"] == "down", 20, "its launcher is gone")
    _cluster(cluster, "node", "remove", node, timeout_s=200)
    assert sorted(_ready(cluster)) == ["controlplane-1", "worker-1"]


def _members(cluster: LocalCluster) -> set[str]:
    out = cluster.talosctl("etcd", "members", node=cluster.planes[0]).out
    return set(re.findall(r"controlplane-\d+", out))


def test_control_planes_come_and_go(cluster: LocalCluster) -> None:
    _cluster(cluster, "node", "add", "--control-plane", timeout_s=380)
    assert _members(cluster) == {"controlplane-1", "controlplane-2"}
    assert _ready(cluster)["controlplane-2"]
    config = cluster.talosctl("config", "info").out
    assert f"{cluster.prefix}.4" in config
    refused = _cluster(cluster, "node", "remove", f"{cluster.name}-controlplane-1", check=False)
    assert refused.code == 7
    assert "is the address of Kubernetes" in refused.err
    _cluster(cluster, "node", "remove", f"{cluster.name}-controlplane-2", timeout_s=200)
    assert _members(cluster) == {"controlplane-1"}
    assert "controlplane-2" not in _ready(cluster)
    assert f"{cluster.prefix}.4" not in cluster.talosctl("config", "info").out


def test_stop_and_start_keep_everything_but_processes(cluster: LocalCluster) -> None:
    cluster.kubectl("create", "configmap", "kept", "--from-literal=a=b")
    before = _nodes(cluster)
    _cluster(cluster, "stop", timeout_s=250)
    assert {node["state"] for node in _nodes(cluster).values()} == {"down"}
    assert not [pid for node in cluster.nodes for pid in cluster.pids(node, lambda argv: True)]
    bridge = json.loads(_cluster(cluster, "show", "-o", "json").out)["network"]["bridge"]
    assert not Path(f"/sys/class/net/{bridge}").exists()
    again = _cluster(cluster, "stop", timeout_s=60)
    assert again.code == 0
    _is_late(cluster)
    _cluster(cluster, "start", timeout_s=400)
    after = _nodes(cluster)
    assert {name: node["ip"] for name, node in after.items()} == {name: node["ip"] for name, node in before.items()}
    assert cluster.get("configmap", "kept")["data"] == {"a": "b"}
    assert _ready(cluster) == {"controlplane-1": True, "worker-1": True}


def _is_late(cluster: LocalCluster) -> None:
    """Waiting too short: the last lines of the node's console, a hint, exit code 6; the cluster stays."""
    late = _cluster(cluster, "start", "--wait-timeout", "1s", check=False, timeout_s=60)
    assert late.code == 6
    lines = late.err.splitlines()
    assert sum(line.startswith("error: ") for line in lines) == 1
    log = lines[lines.index("last lines of the log:") + 1 :]
    assert sum(line.startswith("  ") for line in log) >= 5
    assert log[-1].startswith("hint: ")
    assert f"talosctl cluster logs {cluster.name}-" in log[-1]


def test_a_full_ephemeral_is_told_and_the_api_still_answers(cluster: LocalCluster) -> None:
    """Last, because what runs on the worker is evicted."""
    root = f"/proc/{_nodes(cluster)['worker-1']['pid']}/root/var"
    free = os.statvfs(root)
    fd = os.open(f"{root}/filler", os.O_CREAT | os.O_WRONLY)
    try:
        left = free.f_bavail * free.f_frsize
        for size in (left, left * 9 // 10, left * 6 // 10, 64 * 1024**2, 1024**2, 65536):
            end = os.fstat(fd).st_size
            try:
                while True:
                    os.posix_fallocate(fd, end, size)
                    end += size
            except OSError:
                continue
        assert os.statvfs(root).f_bavail * free.f_frsize < 16 * 1024**2

        def pressure() -> bool:
            node = cluster.get("node", f"{cluster.name}-worker-1")
            return {"type": "DiskPressure", "status": "True"}.items() <= next(
                c for c in node["status"]["conditions"] if c["type"] == "DiskPressure"
            ).items()

        driver.until(pressure, 120, "the node reports pressure")
        for words in (["version"], ["services"], ["logs", "kubelet", "--tail", "1"], ["get", "machinestatus"]):
            assert cluster.talosctl(*words, node=f"{cluster.prefix}.3").code == 0
    finally:
        os.close(fd)
        Path(f"{root}/filler").unlink()
