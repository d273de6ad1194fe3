"""A machine becomes a Kubernetes node with no registry in reach: its images come with the medium and go to its disk."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.vm import installed
from tests.vm.installed import Machine

# Emulated, the API server may need longer to start than its liveness probe waits.
_STARTS_SLOWLY = "apiVersion: v1alpha1\nkind: KubeAPIServerConfig\nstartupProbes: true\n"
pytestmark = [pytest.mark.needs_machine, pytest.mark.slow, pytest.mark.vm_full, pytest.mark.timeout(3600)]


@dataclass
class Node:
    machine: Machine
    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)

    def asks(self, *words: str) -> str:
        return self.machine.answer(*words, insecure=False)

    def resources(self, kind: str) -> list[dict[str, object]]:
        """Objects of a kind, as talosctl prints them: one JSON document after the other."""
        text, decoder, found = self.asks("get", kind, "-o", "json"), json.JSONDecoder(), []
        while text := text.lstrip():
            one, end = decoder.raw_decode(text)
            found.append(one)
            text = text[end:]
        return found


def _until(node: Node, what: str, pattern: str, *words: str, timeout_s: float = 1200) -> str:
    deadline = time.monotonic() + timeout_s
    while pattern not in (seen := node.asks(*words)):
        assert time.monotonic() < deadline, (
            f"{what}: not within {timeout_s:.0f} s\n{seen}\n{node.machine.console()[-3000:]}"
        )
        time.sleep(3)
    return seen


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Installed from the medium, started from its disk, bootstrapped."""
    folder = tmp_path_factory.mktemp("kubernetes")
    image = installed.image_dir() / "pytalos.efi"
    medium = installed.make_medium(folder / "medium.raw", image, folder, installed.image_cache())
    config = installed.generate_config(folder, disk="/dev/vdb", patches=[_STARTS_SLOWLY])
    seconds: dict[str, float] = {}
    began = time.monotonic()
    with Machine(folder, start_from=medium, memory_mib=4096, serial="first.log") as machine:
        machine.answer("version")
        seconds["power-on to maintenance API"] = time.monotonic() - began
        applied = machine.talosctl("apply-config", "--file", str(config))
        assert applied.returncode == 0, applied.stderr
        machine.wait_end()
        seconds["configuration to reboot"] = time.monotonic() - began - sum(seconds.values())
    began = time.monotonic()
    with Machine(folder, memory_mib=4096, serial="second.log") as machine:
        made = Node(machine, folder, seconds)
        made.asks("version")
        seconds["disk to API"] = time.monotonic() - began
        machine.answer("bootstrap", insecure=False)
        yield made


@pytest.fixture(scope="module")
def node(started: Node) -> Node:
    """The same once Kubernetes counts on it."""
    began = time.monotonic()
    _until(started, "the node is Ready", "true", "get", "nodestatus", "-o", "jsonpath={.spec.nodeReady}")
    started.seconds["bootstrap to Ready"] = time.monotonic() - began
    print({name: round(value, 1) for name, value in started.seconds.items()})
    return started


@pytest.mark.feature("I042", "E045", "D051")
def test_images_come_from_the_disk(started: Node) -> None:
    print({name: round(value, 1) for name, value in started.seconds.items()})
    assert "container images of" in (started.folder / "first.log").read_text()
    assert "images come from /dev/vda3" in started.machine.console()
    shown = started.asks("get", "imagecacheconfig", "-o", "yaml")
    assert "status: ready" in shown
    assert "/system/imagecache/disk" in shown
    _until(started, "the images are known", "kube-apiserver", "image", "list", timeout_s=300)


def test_control_groups_are_of_version_2(started: Node) -> None:
    lines = [line.split() for line in started.asks("read", "/proc/mounts").splitlines()]
    assert [(target, kind) for _, target, kind, *_ in lines if kind.startswith("cgroup")] == [
        ("/sys/fs/cgroup", "cgroup2")
    ]
    assert "memory" in started.asks("read", "/sys/fs/cgroup/cgroup.controllers").split()


def test_the_control_plane_and_the_addons_run(node: Node) -> None:
    text = _until(node, "CoreDNS runs", "coredns", "containers", "-k")
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-flannel", "kube-proxy"):
        _until(node, f"{name} runs", name, "containers", "-k")
    assert "etcd" in node.asks("services")
    assert text


def test_pods_live_below_kubepods(node: Node) -> None:
    assert "kubepods" in node.asks("list", "/sys/fs/cgroup")
    memory = int(node.asks("read", "/sys/fs/cgroup/kubepods/memory.current"))
    assert memory > 50 << 20
    assert "kube-apiserver" in node.asks("stats", "-k")
