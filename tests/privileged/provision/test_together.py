"""Clusters beside each other share nothing, and of two that want the same one is made."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from talos.linux import cgroup
from tests.privileged.provision import host
from tests.privileged.provision.host import Host

pytestmark = [pytest.mark.needs_cluster, pytest.mark.timeout(180)]


def _ended(command: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = command.communicate(timeout=120)
    return command.returncode, said


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (host.create("k"), host.create("k"), "another command is working on cluster k"),
        (host.create("k"), host.create("k2"), "network 10.28.0.0/24 is taken: cluster k"),
        (
            host.create("k", "-p", "8085:80"),
            host.create("k2", "-p", "8085:80", cidr="10.29.0.0/24"),
            "host port 8085/tcp is taken by cluster k",
        ),
    ],
    ids=["name", "network", "port"],
)
def test_two_at_once(machine: Host, one: list[str], other: list[str], words: str) -> None:
    before = machine.snapshot()
    commands = [machine.spawn(*one), machine.spawn(*other)]
    results = sorted((_ended(command) for command in commands), key=lambda result: result[0])
    assert [code for code, _ in results] == [0, 7], results
    assert results[1][1].startswith("error: ")
    assert results[1][1].count("\n") == 1
    assert words in results[1][1] or "exists already" in results[1][1]
    for name in {one[3], other[3]}:
        machine.talosctl("cluster", "destroy", "--name", name, code=None)
    assert machine.snapshot() == before


@pytest.mark.feature("G021")
def test_what_one_cluster_has_stays_when_another_goes(machine: Host) -> None:
    with host.cluster(machine, *host.create("k")):
        alone = _without_node_files(machine.snapshot())
        with host.cluster(machine, *host.create("k2", cidr="10.29.0.0/24")):
            both = machine.snapshot()
            folders = {name: machine.names(name) for name in ("k", "k2")}
            assert len({names.bridge for names in folders.values()} & {link.strip() for link in both.links}) == 2
            assert {f"table ip {names.table}" for names in folders.values()} == set(both.tables)
        assert _without_node_files(machine.snapshot()) == alone
        shown = json.loads(machine.talosctl("cluster", "show", "--all", "-o", "json").stdout)
        assert [(one["name"], one["nodes"][0]["state"]) for one in shown] == [("k", "running")]


def _without_node_files(seen: host.Snapshot) -> tuple[object, ...]:
    return (seen.mounts, seen.links, seen.routes, seen.tables, seen.cgroups, seen.loops, seen.sysctls)


def test_kernel_parameters_stay_while_anybody_needs_them(machine: Host, tmp_path: Path) -> None:
    """Two state folders, neither of which knows of the other."""

    def forwards() -> str:
        return machine.run("sysctl", "-n", "net.ipv4.ip_forward").stdout.strip()

    machine.run("sysctl", "-w", "net.ipv4.ip_forward=0")
    with host.cluster(machine, *host.create("k")):
        other = ("--state", str(tmp_path / "clusters"), "--talosconfig-destination", str(tmp_path / "talosconfig"))
        machine.talosctl(*host.create("k", *other, cidr="10.29.0.0/24"))
        machine.talosctl("cluster", "stop", "--name", "k", timeout_s=60)
        assert forwards() == "1"
        machine.talosctl("cluster", "destroy", "--name", "k", "--state", str(tmp_path / "clusters"))
        assert forwards() == "0"
        machine.talosctl("cluster", "start", "--name", "k", "--wait=false")
        assert forwards() == "1"
    assert forwards() == "0"


def _value(path: str, controller: str, file: str) -> int:
    """Of a v1 or v2 file whose last number counts."""
    tree = cgroup.tree()
    return int((tree.mounts.get(controller) or tree.mounts[""]).joinpath(path, file).read_text().split()[0])


def test_limits_of_a_node_are_enforced(machine: Host) -> None:
    """A process over the memory limit is killed, two busy ones get no more than the node's CPU; the node goes on."""
    with host.cluster(machine, *host.create("k", "--memory", "768MiB", "--cpus", "0.5")):
        path = f"{machine.names('k').cgroup}/k-controlplane-1/machine"
        tree = cgroup.tree()
        if tree.version is cgroup.Version.V1:
            assert _value(path, "memory", "memory.limit_in_bytes") == 768 * 1024**2
            assert _value(path, "cpu", "cpu.cfs_quota_us") * 2 == _value(path, "cpu", "cpu.cfs_period_us")
        else:
            assert _value(path, "memory", "memory.max") == 768 * 1024**2
            assert _value(path, "cpu", "cpu.max") == 50_000
        enter = "; ".join(f"echo $$ > {file}" for file in tree.procs_files(path))
        greedy = f"{enter}; echo 1000 > /proc/self/oom_score_adj; exec python3 -c 'x = bytearray(900 << 20)'"
        assert subprocess.run(["sh", "-c", greedy], check=False, timeout=60).returncode == -9
        modest = greedy.replace("900 << 20", "50 << 20")
        assert subprocess.run(["sh", "-c", modest], check=False, timeout=60).returncode == 0
        busy = f"{enter}; for i in 1 2; do timeout 2 sh -c 'while :; do :; done' & done; wait"
        before_ns = tree.usage(path).cpu_ns
        subprocess.run(["sh", "-c", busy], check=False, timeout=60)
        assert tree.usage(path).cpu_ns - before_ns < 1.6e9
        shown = json.loads(machine.talosctl("cluster", "show", "--name", "k", "-o", "json").stdout)
        assert [(node["state"], node["boots"]) for node in shown["nodes"]] == [("running", 1)]
