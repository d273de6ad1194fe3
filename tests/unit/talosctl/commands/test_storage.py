"""image and diskfree: what fills a node."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import empty_pb2

from talos.base.constants import versions
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.cosi import resource_pb2, state_pb2
from talos.machinery.api._generated.machine import image_pb2, storage_pb2
from talos.machinery.rpc import status
from talos.talosctl.commands import diskfree
from tests.unit.talosctl.commands.conftest import Cluster

IMAGES = "/machine.ImageService/"


@pytest.mark.parametrize(
    ("flags", "number"), [((), common_pb2.NS_CRI), (("--namespace", "system"), common_pb2.NS_SYSTEM)]
)
def test_images(cluster: Cluster, flags: tuple[str, ...], number: int) -> None:
    image = image_pb2.ImageServiceListResponse(name="example.org/app:v1", digest="sha256:00", size=12_300_000)
    image.created_at.FromJsonString("2026-01-02T03:04:05Z")
    cluster.serve(f"{IMAGES}List", [image])
    for words in (("image", "list"), ("images", "ls")):
        assert cluster.run(*words, *flags).lines == [
            "NODE       IMAGE                DIGEST      SIZE      CREATED",
            "10.5.0.2   example.org/app:v1   sha256:00   12.3 MB   2026-01-02T03:04:05Z",
        ]
    asked = cluster.requests(f"{IMAGES}List")
    assert {(r.containerd.driver, r.containerd.namespace) for r in asked} == {(common_pb2.CRI, number)}


def test_pull_and_remove(cluster: Cluster) -> None:
    progress = image_pb2.ImageServicePullProgress(layer_id="sha256:11")
    cluster.serve(
        f"{IMAGES}Pull",
        [
            image_pb2.ImageServicePullResponse(pull_progress=progress),
            image_pb2.ImageServicePullResponse(name="example.org/app:v1"),
        ],
    )
    cluster.serve(f"{IMAGES}Remove", empty_pb2.Empty())
    ran = cluster.run("image", "pull", "example.org/app:v1")
    assert (ran.code, ran.out, ran.err) == (0, "", "10.5.0.2: example.org/app:v1\n")
    assert cluster.run("image", "rm", "example.org/app:v1").code == 0
    for name in ("Pull", "Remove"):
        assert [r.image_ref for r in cluster.requests(f"{IMAGES}{name}")] == ["example.org/app:v1"]


def test_import_sends_the_namespace_and_then_the_bytes(cluster: Cluster, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    archive.write_bytes(os.urandom(2_500_000))
    cluster.serve(f"{IMAGES}Import", image_pb2.ImageServiceImportResponse(name="example.org/app:v1"))
    ran = cluster.run("image", "import", str(archive), nodes="10.5.0.2,10.5.0.3")
    assert [line.split() for line in ran.lines] == [
        ["NODE", "IMAGE"], ["10.5.0.2", "example.org/app:v1"], ["10.5.0.3", "example.org/app:v1"],
    ]  # fmt: skip
    for first, *rest in cluster.requests(f"{IMAGES}Import"):
        assert first.containerd.namespace == common_pb2.NS_CRI
        assert b"".join(r.image_chunk.bytes for r in rest) == archive.read_bytes()
    assert cluster.run("image", "import", str(tmp_path / "nothing")).code == 3


def test_namespaces_nobody_knows(cluster: Cluster) -> None:
    assert cluster.run("image", "list", "--namespace", "docker").code == 2
    assert cluster.asked == []


def test_the_bundle_of_kubernetes_needs_no_node(cluster: Cluster) -> None:
    ran = cluster.run("image", "k8s-bundle", "--k8s-version", "1.36.0", nodes="")
    assert ran.code == 0
    assert "registry.k8s.io/kube-apiserver:v1.36.0" in ran.lines
    assert versions.IMAGE_PAUSE in ran.lines
    assert cluster.asked == []


def _resource(spec: str) -> state_pb2.ListResponse:
    return state_pb2.ListResponse(resource=resource_pb2.Resource(spec=resource_pb2.Spec(yaml_spec=spec)))


@pytest.fixture
def disks(cluster: Cluster) -> Cluster:
    mounts = [
        "spec:\n    volumeID: EPHEMERAL\nsource: /dev/sda4\ntarget: /var\n",
        'spec:\n    volumeID: /var/lib/etcd\nsource: ""\ntarget: /var/lib/etcd\n',
        "spec:\n    volumeID: OLD\nsource: /dev/sdb1\ntarget: /old\ndetached: true\n",
    ]
    volumes = {
        "EPHEMERAL": "type: partition\nphase: ready\nfilesystem: xfs\n",
        "/var/lib/etcd": "type: directory\nphase: ready\n",
        "SWAP": "type: disk\nphase: ready\nfilesystem: swap\n",
        "STATE": "type: partition\nphase: waiting\n",
        "META": "type: partition\nphase: ready\n",
    }

    def get(request: Any, node: str) -> state_pb2.GetResponse:
        if request.id not in volumes:
            raise status.RpcError(status.Code.NOT_FOUND, "no such volume")
        return state_pb2.GetResponse(resource=_resource(volumes[request.id]).resource)

    use = storage_pb2.StorageServiceStatfsResponse(
        size=10 << 30, used=2 << 30, available=7 << 30, inodes=5_000_000, inodes_used=1234, inodes_free=4_998_766
    )
    cluster.serve("/cosi.resource.State/Get", get)
    cluster.serve("/cosi.resource.State/List", [_resource(spec) for spec in mounts])
    cluster.serve("/machine.StorageService/Statfs", use)
    return cluster


def test_diskfree_shows_volumes_with_file_systems_of_their_own(disks: Cluster) -> None:
    assert disks.run("df").lines == [
        "NODE       VOLUME      FILESYSTEM   SIZE    USED   AVAILABLE   USAGE   MOUNT POINT",
        "10.5.0.2   EPHEMERAL   /dev/sda4    10GiB   2GiB   7GiB        23%     /var",
    ]
    assert [r.path for r in disks.requests("/machine.StorageService/Statfs")] == ["/var"]


def test_diskfree_of_inodes_and_exact(disks: Cluster) -> None:
    row = disks.run("diskfree", "-i", "EPHEMERAL").lines[1].split()
    assert row == ["10.5.0.2", "EPHEMERAL", "/dev/sda4", "5M", "1.2K", "5M", "1%", "/var"]
    row = disks.run("diskfree", "-b").lines[1].split()
    assert row[3:7] == [str(10 << 30), str(2 << 30), str(7 << 30), "23%"]


@pytest.mark.parametrize(
    ("volume", "code"), [("NONE", 3), ("/var/lib/etcd", 7), ("SWAP", 7), ("STATE", 7), ("META", 3)]
)
def test_diskfree_of_volumes_that_have_nothing_to_show(disks: Cluster, volume: str, code: int) -> None:
    ran = disks.run("df", volume)
    assert ran.code == code
    assert disks.requests("/machine.StorageService/Statfs") == []


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0B"), (1023, "1023B"), (1536, "1.5KiB"), (960 << 20, "960MiB"), (10 << 30, "10GiB"), (3 << 41, "6TiB")],
)
def test_binary_sizes(number: int, text: str) -> None:
    assert diskfree.binary_size(number) == text


@pytest.mark.parametrize(("used", "total", "text"), [(0, 0, "-"), (0, 5, "0%"), (1, 1000, "1%"), (5, 5, "100%")])
def test_percentages_round_up(used: int, total: int, text: str) -> None:
    assert diskfree.percent(used, total) == text
