"""The commands that look at nodes, against real ones."""

from __future__ import annotations

import json
import re
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.cluster import driver

Cluster = driver.LocalCluster


def rows(text: str) -> list[list[str]]:
    """Cells of a table."""
    return [re.split(r" {3,}", line.rstrip()) for line in text.splitlines()]


@pytest.mark.feature("A052")
def test_services(cluster: Cluster) -> None:
    node = cluster.planes[0]
    header, *found = rows(cluster.talosctl("services", node=node).out)
    assert header == ["NODE", "SERVICE", "STATE", "HEALTH", "LAST CHANGE", "LAST EVENT"]
    assert {row[1] for row in found} >= {"apid", "cri", "etcd", "kubelet", "machined", "trustd"}
    assert {tuple(row[2:4]) for row in found} == {("Running", "OK")}
    text = cluster.talosctl("service", "etcd", node=node).out
    assert re.search(r"^STATE +Running$", text, re.MULTILINE)
    assert re.search(r"^EVENTS +\[Running\]: ", text, re.MULTILINE)
    assert "etcd" not in {row[1] for row in rows(cluster.talosctl("services", node=cluster.worker_nodes[0]).out)}


@pytest.mark.feature("G006")
def test_several_nodes_in_one_table(cluster: Cluster) -> None:
    _, *found = rows(cluster.talosctl("memory", node=",".join(cluster.nodes)).out)
    assert [row[0] for row in found] == cluster.nodes
    assert all(0 < int(row[2]) < int(row[1]) for row in found)
    ran = cluster.talosctl("memory", node=f"{cluster.planes[0]},{cluster.prefix}.250", check=False, timeout_s=90)
    assert ran.code == 1
    assert [row[0] for row in rows(ran.out)[1:]] == [cluster.planes[0]]
    assert f"{cluster.prefix}.250" in ran.err


@pytest.mark.feature("D004", "G007")
def test_members(cluster: Cluster) -> None:
    header, *found = rows(cluster.talosctl("get", "members").out)
    assert header == ["NODE", "NAMESPACE", "TYPE", "ID", "VERSION", "HOSTNAME", "MACHINE TYPE", "OS", "ADDRESSES"]
    assert {row[3]: (row[6], json.loads(row[8])) for row in found} == {
        f"{cluster.name}-controlplane-1": ("controlplane", cluster.planes),
        f"{cluster.name}-worker-1": ("worker", cluster.worker_nodes),
    }


@pytest.mark.feature("D006", "G007")
def test_resources_in_every_style(cluster: Cluster) -> None:
    document = yaml.safe_load(cluster.talosctl("get", "machinestatus", "-o", "yaml").out)
    assert (document["metadata"]["id"], document["spec"]["stage"]) == ("machine", "running")
    assert json.loads(cluster.talosctl("get", "machinestatus", "machine", "-o", "json").out)["spec"] == document["spec"]
    assert cluster.talosctl("get", "machinestatus", "-o", "jsonpath={.spec.stage}").out == "running\n"
    ambiguous = cluster.talosctl("get", "ms", check=False)
    assert (ambiguous.code, ambiguous.out) == (2, "")
    assert "MountStatuses.block.talos.dev" in ambiguous.err
    assert len(rows(cluster.talosctl("get", "rd").out)) > 190
    assert cluster.talosctl("get", "machinestatus", "nobody", check=False).code == 3


@pytest.mark.feature("D003")
def test_the_configuration_is_readable(cluster: Cluster) -> None:
    document = yaml.safe_load(cluster.talosctl("get", "mc", "v1alpha1", "-o", "yaml").out)
    (legacy,) = [one for one in yaml.safe_load_all(document["spec"]) if one.get("version") == "v1alpha1"]
    assert legacy["machine"]["type"] == "controlplane"


@pytest.mark.feature("A016", "A057")
def test_containers_of_both_worlds(cluster: Cluster) -> None:
    header, *found = rows(cluster.talosctl("containers").out)
    assert header == ["NODE", "NAMESPACE", "ID", "IMAGE", "PID", "STATUS"]
    assert {(row[1], row[2], row[5]) for row in found} == {
        ("system", "etcd", "RUNNING"), ("system", "kubelet", "RUNNING"),
    }  # fmt: skip
    _, *found = rows(cluster.talosctl("containers", "-k").out)
    api = f"kube-system/kube-apiserver-{cluster.name}-controlplane-1"
    assert [row[5] for row in found if row[2] == api] == ["SANDBOX_READY"]
    running = [row for row in found if row[2].startswith(f"└─ {api}:kube-apiserver:")]
    assert [row[5] for row in running] == ["CONTAINER_RUNNING"]
    assert int(running[0][4]) > 1
    _, *found = rows(cluster.talosctl("stats").out)
    assert {row[2]: float(row[3]) > 5 and int(row[4]) > 0 for row in found} == {"etcd": True, "kubelet": True}
    _, *found = rows(cluster.talosctl("stats", "-k").out)
    assert any(":kube-apiserver:" in row[2] and float(row[3]) > 50 for row in found)


@pytest.mark.feature("A004", "A066")
def test_images(cluster: Cluster) -> None:
    header, *found = rows(cluster.talosctl("image", "list").out)
    assert header == ["NODE", "IMAGE", "DIGEST", "SIZE", "CREATED"]
    sizes = {row[1]: row[3] for row in found}
    api = next(name for name in sizes if "/kube-apiserver:" in name)
    assert sizes[api].endswith(" MB")
    _, *found = rows(cluster.talosctl("image", "list", "--namespace", "system").out)
    assert {row[1].partition(":")[0].rpartition("/")[2] for row in found} == {"etcd", "kubelet"}


@pytest.mark.feature("A041")
def test_logs(cluster: Cluster) -> None:
    lines = cluster.talosctl("logs", "kubelet", "--tail", "3", node=cluster.worker_nodes[0]).out.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"{cluster.worker_nodes[0]}: ") for line in lines)
    _, *found = rows(cluster.talosctl("containers", "-k").out)
    scheduler = next(row[2].removeprefix("└─ ") for row in found if ":kube-scheduler:" in row[2])
    assert "leader" in cluster.talosctl("logs", "-k", scheduler).out
    assert cluster.talosctl("logs", "nobody", check=False).code == 3


@pytest.mark.feature("A022")
def test_events(cluster: Cluster) -> None:
    ran = cluster.run(
        "timeout", "--signal=INT", "4", sys.executable, "-m", "talos.talosctl.main", "events", "--tail", "-1",
        check=False,
    )  # fmt: skip
    assert ran.code in (124, 130)
    header, *found = ran.out.splitlines()
    assert header.split() == ["NODE", "ID", "EVENT", "ACTOR", "SOURCE", "MESSAGE"]
    assert any("MachineStatusEvent" in line and "RUNNING" in line for line in found)


@pytest.mark.feature("A038", "A039", "A047", "A017")
def test_files(cluster: Cluster, tmp_path: Path) -> None:
    listed = cluster.talosctl("ls", "/etc").out.splitlines()
    assert listed[0] == "." and "os-release" in listed
    long = rows(cluster.talosctl("ls", "-l", "/etc").out)
    assert long[0] == ["NODE", "MODE", "UID", "GID", "SIZE(B)", "LASTMOD", "LABEL", "NAME"]
    read = cluster.talosctl("read", "/etc/os-release").out
    assert re.search("^VERSION_ID=v1", read, re.MULTILINE)
    cluster.talosctl("copy", "/etc/kubernetes", str(tmp_path / "copy"))
    assert (tmp_path / "copy/kubelet.yaml").read_text() == cluster.talosctl("read", "/etc/kubernetes/kubelet.yaml").out
    done = cluster.run(
        "sh", "-c", f"{sys.executable} -m talos.talosctl.main copy /etc/os-release - > {tmp_path}/x.tar.gz"
    )
    assert done.err == ""
    with tarfile.open(tmp_path / "x.tar.gz") as archive:
        (member,) = archive.getmembers()
        source = archive.extractfile(member)
        assert source is not None and source.read().decode() == read
    assert cluster.talosctl("read", "/nope", check=False).code == 3
    _, *sizes = rows(cluster.talosctl("du", "/etc").out)
    assert int(sizes[-1][0]) > 1000


@pytest.mark.feature("A046", "A044", "A021")
def test_processes_mounts_and_the_kernel_log(cluster: Cluster) -> None:
    _, *found = rows(cluster.talosctl("ps").out)
    assert any("/usr/local/bin/kube-apiserver" in row[-1] for row in found)
    _, *found = rows(cluster.talosctl("mounts").out)
    assert "/var" in {row[-1] for row in found}
    assert cluster.talosctl("dmesg").out.startswith(f"{cluster.planes[0]}: kern")


@pytest.mark.feature("A023", "A028", "A032")
def test_etcd(cluster: Cluster, tmp_path: Path) -> None:
    header, *found = rows(cluster.talosctl("etcd", "members").out)
    assert header == ["NODE", "ID", "HOSTNAME", "PEER URLS", "CLIENT URLS", "LEARNER"]
    ((_, id, name, peers, _, learner),) = found
    assert (name, peers, learner) == (f"{cluster.name}-controlplane-1", f"https://{cluster.planes[0]}:2380", "false")
    _, (_, member, *_) = rows(cluster.talosctl("etcd", "status").out)
    assert member == id
    assert cluster.talosctl("etcd", "alarm", "list").out == ""
    cluster.talosctl("etcd", "snapshot", str(tmp_path / "db"))
    assert (tmp_path / "db").stat().st_size % 512 == 32
    assert cluster.talosctl("etcd", "members", node=cluster.worker_nodes[0], check=False).code != 0


@pytest.mark.feature("A001")
@pytest.mark.parametrize("side", ["--server", "--server=false"])
def test_health(cluster: Cluster, side: str) -> None:
    ran = cluster.talosctl("health", side, "--wait-timeout", "2m", timeout_s=150)
    lines = ran.err.splitlines()
    assert lines[0] == f'discovered nodes: ["{cluster.planes[0]}" "{cluster.worker_nodes[0]}"]'
    assert sum(line.endswith(": OK") for line in lines) == 13


@pytest.mark.feature("A002")
def test_the_graph_of_controllers(cluster: Cluster) -> None:
    lines = cluster.talosctl("inspect", "dependencies").out.splitlines()
    assert lines[0] == "digraph {" and lines[-1] == "}"
    assert any('"Members.cluster.talos.dev"' in line and "->" in line for line in lines)


@pytest.mark.feature("A060")
def test_version(cluster: Cluster) -> None:
    text = cluster.talosctl("version", node=",".join(cluster.nodes)).out
    assert re.findall(r"^\tNODE: +(\S+)$", text, re.MULTILINE) == cluster.nodes
    assert re.search(r"^\tPlatform: +container \(container\)$", text, re.MULTILINE)


@pytest.mark.feature("A037", "G011")
def test_the_kubeconfig_works(cluster: Cluster, tmp_path: Path) -> None:
    cluster.talosctl("kubeconfig", str(tmp_path / "config"))
    found = cluster.kubectl("--kubeconfig", str(tmp_path / "config"), "get", "nodes", "-o", "name").out.split()
    assert found == [f"node/{cluster.node_name(node)}" for node in cluster.nodes]
    assert cluster.talosctl("kubeconfig", "-", node=cluster.worker_nodes[0], check=False).code == 7
