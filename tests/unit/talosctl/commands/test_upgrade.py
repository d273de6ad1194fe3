"""upgrade and rollback: which calls are made in which order, and what a failure stops."""

from __future__ import annotations

from typing import Any

import pytest

from talos.machinery.api._generated.machine import image_pb2, lifecycle_pb2, machine_pb2
from tests.unit.talosctl.commands.conftest import MACHINE, Cluster

IMAGE = "example.org/installer:v2"
_IMAGES, _LIFECYCLE = "/machine.ImageService/", "/machine.LifecycleService/"


class Node:
    """What a node would answer; `calls` in their order."""

    def __init__(self, cluster: Cluster, code: int = 0) -> None:
        self.calls: list[str] = []
        self.present: list[str] = []
        self.code = code
        cluster.serve(f"{_IMAGES}List", self._list)
        cluster.serve(f"{_IMAGES}Pull", self._pull)
        cluster.serve(f"{_LIFECYCLE}Upgrade", self._upgrade)
        cluster.serve(f"{MACHINE}Reboot", self._reboot)
        cluster.serve(f"{MACHINE}Upgrade", self._old)
        cluster.serve(f"{MACHINE}Rollback", self._rollback)

    def _list(self, request: Any, node: str) -> list[Any]:
        return [image_pb2.ImageServiceListResponse(name=name) for name in self.present]

    def _pull(self, request: Any, node: str) -> list[Any]:
        self.calls.append(f"pull {request.image_ref}")
        return [image_pb2.ImageServicePullResponse(name=request.image_ref)]

    def _upgrade(self, request: Any, node: str) -> list[Any]:
        self.calls.append(f"upgrade {request.source.image_name}")
        progress = lifecycle_pb2.LifecycleServiceInstallProgress
        last = progress(exit_code=self.code)
        text = "failed: no room" if self.code else "written"
        return [lifecycle_pb2.LifecycleServiceUpgradeResponse(progress=p) for p in (progress(message=text), last)]

    def _reboot(self, request: Any, node: str) -> Any:
        self.calls.append("reboot")
        return machine_pb2.RebootResponse(messages=[machine_pb2.Reboot(actor_id="1")])

    def _old(self, request: Any, node: str) -> Any:
        self.calls.append(f"old {request.image} stage={request.stage} force={request.force}")
        return machine_pb2.UpgradeResponse(messages=[machine_pb2.Upgrade(ack="ok", actor_id="1")])

    def _rollback(self, request: Any, node: str) -> Any:
        self.calls.append("rollback")
        return machine_pb2.RollbackResponse(messages=[machine_pb2.Rollback()])


def test_an_upgrade_pulls_writes_and_reboots(cluster: Cluster) -> None:
    node = Node(cluster)
    ran = cluster.run("upgrade", "--image", IMAGE, "--wait=false")
    assert ran.code == 0, ran.err
    assert node.calls == [f"pull {IMAGE}", f"upgrade {IMAGE}", "reboot"]
    assert "10.5.0.2: written" in ran.err


def test_what_is_there_is_not_pulled_and_the_reboot_can_be_left_out(cluster: Cluster) -> None:
    node = Node(cluster)
    node.present = [IMAGE]
    assert cluster.run("upgrade", "--image", IMAGE, "--no-reboot").code == 0
    assert node.calls == [f"upgrade {IMAGE}"]


def test_nothing_reboots_after_a_failure(cluster: Cluster) -> None:
    node = Node(cluster, code=1)
    ran = cluster.run("upgrade", "--image", IMAGE)
    assert ran.code == 1
    assert "no room" in ran.err
    assert "reboot" not in node.calls


@pytest.mark.parametrize(
    ("flag", "called"),
    [("--legacy", "stage=False force=False"), ("--stage", "stage=True force=False"), ("--force", "force=True")],
)
def test_the_one_call_of_earlier_versions(cluster: Cluster, flag: str, called: str) -> None:
    node = Node(cluster)
    assert cluster.run("upgrade", "--image", IMAGE, flag, "--wait=false").code == 0
    (only,) = node.calls
    assert only.startswith(f"old {IMAGE}")
    assert called in only


def test_an_image_has_to_be_named(cluster: Cluster) -> None:
    assert "--image" in cluster.run("upgrade").err


def test_rollback_is_one_call(cluster: Cluster) -> None:
    node = Node(cluster)
    assert cluster.run("rollback").code == 0
    assert node.calls == ["rollback"]
