"""A cluster of virtual machines from one command: control plane and worker, with Kubernetes, shut down and started."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import capabilities
from tests.privileged.provision import host
from tests.privileged.provision.host import Host

pytestmark = [
    pytest.mark.needs_cluster,
    pytest.mark.needs_machine,
    pytest.mark.slow,
    pytest.mark.vm_full,
    pytest.mark.timeout(5400),
]
CONTROL_PLANE, WORKER = "10.28.0.2", "10.28.0.3"


@dataclass
class Made:
    machine: Host
    seconds: dict[str, float] = field(default_factory=dict)

    def talosctl(self, *words: str, timeout_s: float = 300) -> str:
        return self.machine.talosctl(*words, timeout_s=timeout_s).stdout

    def node(self, ip: str, *words: str) -> str:
        return self.talosctl("-n", ip, *words)

    def timed(self, what: str, *words: str, timeout_s: float) -> None:
        began = time.monotonic()
        self.talosctl(*words, timeout_s=timeout_s)
        self.seconds[what] = round(time.monotonic() - began, 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with host.host(tmp_path_factory.mktemp("machines")) as machine:
        cluster = Made(machine)
        flags = ("--provisioner", "qemu", "--cidr", "10.28.0.0/24", "--memory-controlplanes", "3GiB")
        cluster.timed(
            "create",
            *("cluster", "create", "--name", "k", "--workers", "1", *flags),
            *("--extra-boot-kernel-args", "told.by=smbios", "--extra-disks", "1", "--extra-disks-drivers", "nvme"),
            timeout_s=3600,
        )
        yield cluster
        print(cluster.seconds)
        cluster.talosctl("cluster", "destroy", "--name", "k")


@pytest.mark.feature("G013")
def test_both_nodes_are_ready(made: Made) -> None:
    kubectl = str(capabilities.artifacts_dir() / "bin/kubectl")
    listed = json.loads(made.machine.run(kubectl, "get", "nodes", "-o", "json").stdout)["items"]
    found = {}
    for one in listed:
        (address,) = [each["address"] for each in one["status"]["addresses"] if each["type"] == "InternalIP"]
        found[address] = [each["status"] for each in one["status"]["conditions"] if each["type"] == "Ready"]
    assert found == {CONTROL_PLANE: ["True"], WORKER: ["True"]}
    assert "metal" in made.node(CONTROL_PLANE, "version")


def test_the_segment_tells_names_and_resolvers(made: Made) -> None:
    resolvers = made.node(WORKER, "get", "resolvers", "-o", "jsonpath={.spec.dnsServers}")
    assert resolvers.split() == ['["10.28.0.1"]'] or "10.28.0.1" in resolvers
    specs = made.node(WORKER, "get", "hostnamespecs", "--namespace", "network-config", "-o", "yaml")
    assert "k-worker-1" in specs


@pytest.mark.feature("J028")
def test_the_firmware_tells_further_arguments_of_the_kernel(made: Made) -> None:
    assert "told.by=smbios" in made.node(CONTROL_PLANE, "read", "/proc/cmdline").split()


def test_only_the_worker_has_the_further_disk(made: Made) -> None:
    assert "nvme0n1" in made.node(WORKER, "get", "disks")
    assert "nvme0n1" not in made.node(CONTROL_PLANE, "get", "disks")


@pytest.mark.feature("G022")
def test_it_is_shut_down_in_order_and_comes_back(made: Made) -> None:
    made.timed("stop", "cluster", "stop", "--name", "k", timeout_s=900)
    console = (made.machine.clusters / "k/nodes/k-worker-1/console.log").read_text(errors="replace")
    assert "sequence shutdown begins" in console
    assert "the grace is over" not in console
    made.timed("start", "cluster", "start", "--name", "k", timeout_s=3600)
    shown = json.loads(made.talosctl("cluster", "show", "--name", "k", "-o", "json"))
    assert {one["state"] for one in shown["nodes"]} == {"running"}
    assert Path(made.machine.clusters / "k/nodes/k-controlplane-1/disk-0.raw").stat().st_size == 10 << 30
