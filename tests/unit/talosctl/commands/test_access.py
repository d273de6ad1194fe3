"""kubeconfig, bootstrap, health, version: the way into a cluster."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from talos.k8s import kubeconfig
from talos.machinery.api._generated.cluster import cluster_pb2
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.inspect import inspect_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import status
from talos.talosctl.commands import health
from tests.unit.talosctl.commands.conftest import MACHINE, Cluster


def _config(server: str, key: bytes = b"key") -> str:
    return kubeconfig.with_certificate(
        cluster="demo", user="admin", server=server, ca=b"ca", certificate=b"crt", key=key
    )


def _archive(text: str) -> list[common_pb2.Data]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("kubeconfig")
        entry.size = len(text.encode())
        archive.addfile(entry, io.BytesIO(text.encode()))
    whole = buffer.getvalue()
    return [common_pb2.Data(bytes=whole[:100]), common_pb2.Data(bytes=whole[100:])]


@pytest.fixture
def node(cluster: Cluster) -> Cluster:
    cluster.serve(f"{MACHINE}Kubeconfig", _archive(_config("https://10.5.0.2:6443")))
    return cluster


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def _names(path: Path, section: str = "contexts") -> list[str]:
    return [entry["name"] for entry in _read(path)[section]]


@pytest.mark.feature("G011")
def test_the_default_is_kubectls_file(node: Cluster, tmp_path: Path) -> None:
    ran = node.run("kubeconfig")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    path = tmp_path / "home/.kube/config"
    assert (_names(path), _read(path)["current-context"]) == (["admin@demo"], "admin@demo")
    assert path.stat().st_mode & 0o777 == 0o600
    assert not list(path.parent.glob("*.lock"))


@pytest.mark.feature("G011")
def test_kubeconfig_of_the_environment(node: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    second.write_text(_config("https://other:6443"))
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, (first, second))))
    assert node.run("kubeconfig").code == 0
    assert not first.exists()
    assert _names(second) == ["admin@demo", "admin@demo-1"]


@pytest.mark.feature("G011")
def test_a_directory_gets_a_file_named_kubeconfig(node: Cluster, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert node.run("kubeconfig", str(tmp_path / "out")).code == 0
    assert _names(tmp_path / "out/kubeconfig") == ["admin@demo"]


@pytest.mark.feature("G011")
def test_merging_renames_what_is_taken_and_says_so(node: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(_config("https://other:6443", b"other key"))
    ran = node.run("kubeconfig", str(path))
    assert ran.code == 0
    assert "'admin@demo' -> 'admin@demo-1'" in ran.err
    found = _read(path)
    assert found["current-context"] == "admin@demo-1"
    servers = {entry["name"]: entry["cluster"]["server"] for entry in found["clusters"]}
    assert servers == {"demo": "https://other:6443", "demo-1": "https://10.5.0.2:6443"}
    contexts = {entry["name"]: entry["context"] for entry in found["contexts"]}
    assert (contexts["admin@demo-1"]["cluster"], contexts["admin@demo-1"]["user"]) == ("demo-1", "admin@demo-1")


@pytest.mark.feature("G011")
def test_merging_twice_changes_nothing(node: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "config"
    node.run("kubeconfig", str(path))
    before = path.read_text()
    assert node.run("kubeconfig", str(path)).err == ""
    assert path.read_text() == before


@pytest.mark.feature("G011")
def test_force_replaces_the_context_of_the_same_name(node: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(_config("https://other:6443"))
    assert node.run("kubeconfig", "--force", str(path)).err == ""
    assert _names(path) == ["admin@demo"]
    assert [entry["cluster"]["server"] for entry in _read(path)["clusters"]] == ["https://10.5.0.2:6443"]


@pytest.mark.feature("G011")
def test_another_context_name(node: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(_config("https://other:6443"))
    assert node.run("kubeconfig", "--force-context-name", "prod", str(path)).code == 0
    assert _names(path) == ["admin@demo", "prod"]
    assert _read(path)["current-context"] == "prod"


@pytest.mark.feature("G011")
def test_without_merge_a_file_is_overwritten_only_by_force(node: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(_config("https://other:6443"))
    ran = node.run("kubeconfig", "--merge=false", str(path))
    assert ran.code == 7
    assert _read(path)["clusters"][0]["cluster"]["server"] == "https://other:6443"
    assert node.run("kubeconfig", "--merge=false", "-f", str(path)).code == 0
    assert _read(path)["clusters"][0]["cluster"]["server"] == "https://10.5.0.2:6443"
    assert path.stat().st_mode & 0o777 == 0o600


def test_kubeconfig_on_stdout(node: Cluster) -> None:
    assert node.run("kubeconfig", "-").out == _config("https://10.5.0.2:6443")


def test_a_broken_file_is_left_alone(node: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("- not a kubeconfig\n")
    assert node.run("kubeconfig", str(path)).code == 2
    assert path.read_text() == "- not a kubeconfig\n"


def test_a_worker_has_no_kubeconfig(cluster: Cluster) -> None:
    def answer(request: Any, node: str) -> Any:
        raise status.RpcError(status.Code.FAILED_PRECONDITION, "control plane nodes only")

    cluster.serve(f"{MACHINE}Kubeconfig", answer)
    assert cluster.run("kubeconfig").code == 7
    cluster.serve(f"{MACHINE}Kubeconfig", [common_pb2.Data(bytes=b"no archive")])
    assert cluster.run("kubeconfig").code != 0


def test_health_of_the_server_side(cluster: Cluster) -> None:
    lines = ["discovered nodes: []", "waiting for etcd to be healthy: OK"]
    cluster.serve("/cluster.ClusterService/HealthCheck", [cluster_pb2.HealthCheckProgress(message=m) for m in lines])
    ran = cluster.run(
        "health", "--control-plane-nodes", "10.5.0.2,10.5.0.3", "--worker-nodes", "10.5.0.4", "--wait-timeout", "90s"
    )
    assert (ran.code, ran.out, ran.err.splitlines()) == (0, "", lines)
    (request,) = cluster.requests("/cluster.ClusterService/HealthCheck")
    assert list(request.cluster_info.control_plane_nodes) == ["10.5.0.2", "10.5.0.3"]
    assert list(request.cluster_info.worker_nodes) == ["10.5.0.4"]
    assert request.wait_timeout.seconds == 90


def test_an_unhealthy_cluster(cluster: Cluster) -> None:
    progress = cluster_pb2.HealthCheckProgress(metadata=common_pb2.Metadata(error="etcd is gone", hostname="10.5.0.2"))
    cluster.serve("/cluster.ClusterService/HealthCheck", [progress])
    ran = cluster.run("health")
    assert ran.code == 1
    assert "etcd is gone" in ran.err


def test_another_address_of_the_api_server() -> None:
    text = health._at(_config("https://10.5.0.2:6443"), "127.0.0.1:7443")
    assert kubeconfig.current(text).cluster["server"] == "https://127.0.0.1:7443"
    assert kubeconfig.current(text).user == kubeconfig.current(_config("x")).user
    assert health._at(_config("https://a:1"), "https://a:1") == _config("https://a:1")


@pytest.mark.parametrize(
    ("words", "key", "value"), [(("write", "0x0a", "text"), 10, b"text"), (("delete", "12"), 12, None)]
)
def test_meta(cluster: Cluster, words: tuple[str, ...], key: int, value: bytes | None) -> None:
    method = f"Meta{words[0].capitalize()}"
    cluster.serve(f"{MACHINE}{method}", getattr(machine_pb2, f"{method}Response")())
    assert cluster.run("meta", *words).code == 0
    (request,) = cluster.requests(f"{MACHINE}{method}")
    assert (request.key, getattr(request, "value", None)) == (key, value)
    assert cluster.run("meta", words[0], "x", *words[2:]).code == 2
    assert cluster.run("meta", words[0], "256", *words[2:]).code == 2


def test_what_a_platform_does_not_have_is_refused_by_the_node(cluster: Cluster) -> None:
    def answer(request: Any, node: str) -> Any:
        raise status.RpcError(status.Code.FAILED_PRECONDITION, "method is not supported in container mode")

    cluster.serve(f"{MACHINE}Rollback", answer)
    ran = cluster.run("rollback")
    assert (ran.code, ran.out) == (7, "")
    assert "not supported in container mode" in ran.err


@pytest.mark.feature("G016")
def test_bootstrap_of_one_node(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}Bootstrap", machine_pb2.BootstrapResponse(messages=[machine_pb2.Bootstrap()]))
    assert cluster.run("bootstrap").code == 0
    (request,) = cluster.requests(f"{MACHINE}Bootstrap")
    assert (request.recover_etcd, request.recover_skip_hash_check) == (False, False)
    assert cluster.run("bootstrap", nodes="10.5.0.2,10.5.0.3").code == 2


@pytest.mark.feature("G016")
def test_bootstrap_from_a_snapshot_sends_it_first(cluster: Cluster, tmp_path: Path) -> None:
    snapshot = tmp_path / "db"
    snapshot.write_bytes(os.urandom(3_000_000))
    cluster.serve(f"{MACHINE}EtcdRecover", machine_pb2.EtcdRecoverResponse())
    cluster.serve(f"{MACHINE}Bootstrap", machine_pb2.BootstrapResponse())
    assert cluster.run("bootstrap", "--recover-from", str(snapshot), "--recover-skip-hash-check").code == 0
    assert [path.rpartition("/")[2] for path, _, _ in cluster.asked] == ["EtcdRecover", "Bootstrap"]
    (chunks,) = cluster.requests(f"{MACHINE}EtcdRecover")
    assert b"".join(chunk.bytes for chunk in chunks) == snapshot.read_bytes()
    (request,) = cluster.requests(f"{MACHINE}Bootstrap")
    assert (request.recover_etcd, request.recover_skip_hash_check) == (True, True)


def test_version(cluster: Cluster) -> None:
    info = machine_pb2.VersionInfo(tag="v1.14.0", sha="abc", built="today", go_version="go1", os="linux", arch="amd64")
    message = machine_pb2.Version(
        version=info,
        platform=machine_pb2.PlatformInfo(name="container", mode="container"),
        features=machine_pb2.FeaturesInfo(rbac=True),
    )
    cluster.serve(f"{MACHINE}Version", machine_pb2.VersionResponse(messages=[message]))
    lines = cluster.run("version").lines
    assert [line.split(":")[0].strip() for line in lines] == [
        "Client", "Tag", "Python", "OS/Arch", "Server", "NODE", "Tag", "SHA", "Built", "Runtime", "OS/Arch", "Platform",
        "Enabled",
    ]  # fmt: skip
    assert lines[-1].split() == ["Enabled:", "RBAC"]
    assert cluster.run("version", "--short").lines[1:] == ["Server:", "\t10.5.0.2: v1.14.0"]
    assert cluster.run("version", "--client", nodes="").code == 0


def test_the_graph_of_controllers_has_nodes_once_and_edges_in_the_direction_of_data(cluster: Cluster) -> None:
    edges = [
        inspect_pb2.ControllerDependencyEdge(
            controller_name="a.Controller", edge_type=inspect_pb2.OUTPUT_EXCLUSIVE, resource_type="Things"
        ),
        inspect_pb2.ControllerDependencyEdge(
            controller_name="a.Controller", edge_type=inspect_pb2.INPUT_WEAK, resource_type="Configs", resource_id="one"
        ),
    ]
    answer = inspect_pb2.ControllerRuntimeDependenciesResponse(
        messages=[inspect_pb2.ControllerRuntimeDependency(edges=edges)]
    )
    cluster.serve("/inspect.InspectService/ControllerRuntimeDependencies", answer)
    lines = cluster.run("inspect", "dependencies").lines
    assert (lines[0], lines[-1]) == ("digraph {", "}")
    assert [line.strip() for line in lines if "->" in line] == [
        '"a.Controller" -> "Things" [style="bold"];',
        '"Configs/one" -> "a.Controller" [style="dotted"];',
    ]
    assert sum("shape" in line for line in lines) == 3
