"""The state of clusters survives a reboot of the machine they run on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.privileged.provision import host
from tests.privileged.provision.host import Host

pytestmark = [pytest.mark.needs_cluster, pytest.mark.timeout(180)]


def _states(machine: Host) -> list[str]:
    shown = json.loads(machine.talosctl("cluster", "show", "--name", "k", "-o", "json").stdout)
    return [node["state"] for node in shown["nodes"]]


@pytest.mark.feature("G013")
def test_start_brings_a_cluster_back_after_a_reboot(tmp_path: Path) -> None:
    machine = Host(tmp_path / "home")
    with host.booted(machine):
        before = machine.snapshot()
        machine.talosctl(*host.create("k", "--workers", "1"))
        assert _states(machine) == ["running", "running"]
        (init,) = [node["pid"] for node in _nodes(machine) if node["type"] == "worker"]
        (real,) = [pid for pid in machine.pids() if host.inner_pid(pid) == init]
        Path(f"/proc/{real}/root/var/kept").write_text("kept")
    with host.booted(machine):
        assert machine.snapshot().processes == before.processes
        assert _states(machine) == ["down", "down"]
        machine.talosctl("cluster", "start", "--name", "k", "--wait=false")
        assert _states(machine) == ["running", "running"]
        shown = json.loads(machine.talosctl("cluster", "show", "--name", "k", "-o", "json").stdout)
        assert shown["services_running"]
        (init,) = [node["pid"] for node in _nodes(machine) if node["type"] == "worker"]
        (real,) = [pid for pid in machine.pids() if host.inner_pid(pid) == init]
        assert Path(f"/proc/{real}/root/var/kept").read_text() == "kept"
        machine.talosctl("cluster", "destroy", "--name", "k")
        assert machine.snapshot() == before


@pytest.mark.feature("G021")
def test_destroy_after_a_reboot(tmp_path: Path) -> None:
    machine = Host(tmp_path / "home")
    with host.booted(machine):
        before = machine.snapshot()
        machine.talosctl(*host.create("k", "-p", "8080:80"))
    with host.booted(machine):
        machine.talosctl("cluster", "stop", "--name", "k")
        machine.talosctl("cluster", "destroy", "--name", "k")
        assert machine.snapshot() == before


def test_a_reboot_amid_a_create_is_gone_on_from(tmp_path: Path) -> None:
    machine = Host(tmp_path / "home")
    with host.booted(machine):
        before = machine.snapshot()
        command = machine.spawn(*host.create("k", "--progress", "json"))
        assert command.stderr is not None
        for line in command.stderr:
            if '"event": "done"' in line and "disk" in line:
                break
    command.wait(20)
    command.stderr.close()
    with host.booted(machine):
        machine.talosctl(*host.create("k"))
        assert _states(machine) == ["running"]
        machine.talosctl("cluster", "destroy", "--name", "k")
        assert machine.snapshot() == before


def _nodes(machine: Host) -> list[dict[str, object]]:
    shown = json.loads(machine.talosctl("cluster", "show", "--name", "k", "-o", "json").stdout)
    nodes: list[dict[str, object]] = shown["nodes"]
    return nodes
