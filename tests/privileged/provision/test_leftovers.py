"""A cluster leaves nothing behind, whenever and however a command or a process of it ends."""

from __future__ import annotations

import json
import random
import subprocess
import time

import pytest

from tests.privileged.provision import host
from tests.privileged.provision.host import Host

pytestmark = [pytest.mark.needs_cluster, pytest.mark.timeout(180)]
EVENTS = 16  # a create of one node tells of so many begins and ends


def _create_and_kill_at(machine: Host, event: int) -> None:
    """Create, kill -9 when the command tells of its event number `event`."""
    command = machine.spawn(*host.create("k", "--progress", "json"))
    assert command.stderr is not None
    seen = 0
    for line in command.stderr:
        seen += line.startswith("{")
        if seen == event:
            break
    _kill_command(machine, command)


def _kill_command(machine: Host, command: subprocess.Popen[str]) -> None:
    """kill -9 the talosctl behind nsenter, which ends with it."""
    for pid in host.children(command.pid) or [command.pid]:
        host.kill(pid)
    command.wait(20)
    assert command.stderr is not None
    command.stderr.close()


@pytest.mark.feature("G013", "G021", "G026", "R016")
def test_create_and_destroy_leave_nothing(machine: Host) -> None:
    before = machine.snapshot()
    machine.talosctl(*host.create("k", "--workers", "1", "-p", "18080:80"))
    during = machine.snapshot()
    assert len(during.processes) > len(before.processes) + 5
    assert during.namespaces > before.namespaces
    for part in ("links", "tables", "cgroups", "loops", "files", "routes"):
        assert len(getattr(during, part)) > len(getattr(before, part)), part
    machine.talosctl("cluster", "destroy", "--name", "k")
    assert machine.snapshot() == before


@pytest.mark.feature("G019", "R016")
def test_the_flags_of_the_docker_provisioner(machine: Host) -> None:
    before = machine.snapshot()
    flags = [
        "--cpus-workers",
        "0.5",
        "--memory-workers",
        "1GiB",
        "--memory-controlplanes",
        "1.5GiB",
        "-p",
        "8086:80/tcp",
    ]
    made = machine.talosctl(
        *("cluster", "create", "docker", "--name", "k", "--subnet", "10.28.0.0/24", "--workers", "1", *flags),
        *("--talosconfig-destination", str(machine.home / "here"), "--wait=false", "-o", "json"),
    )
    told = json.loads(made.stdout)
    assert (told["network"]["cidr"], told["exposed_ports"]) == ("10.28.0.0/24", ["8086:80/tcp"])
    assert [(one["type"], one["cpus"], one["memory_bytes"], one["state"]) for one in told["nodes"]] == [
        ("controlplane", 2.0, 1536 * 1024**2, "running"),
        ("worker", 0.5, 1024**3, "running"),
    ]
    config = machine.talosctl("config", "info", "--talosconfig", str(machine.home / "here")).stdout
    assert "10.28.0.2" in config
    machine.talosctl("cluster", "destroy", "--name", "k")
    assert machine.snapshot() == before
    refused = machine.talosctl("cluster", "create", "docker", "--image", "x", code=7).stderr
    assert refused.startswith("error: --image: ")


@pytest.mark.parametrize("event", range(1, EVENTS + 1))
def test_a_create_killed_at_a_step_is_destroyed_or_repeated(machine: Host, event: int) -> None:
    """At every boundary between steps; every fourth time the create is repeated before all is destroyed."""
    before = machine.snapshot()
    _create_and_kill_at(machine, event)
    if (machine.clusters / "k/state.json").exists():
        shown = json.loads(machine.talosctl("cluster", "show", "--name", "k", "-o", "json").stdout)
        assert shown["phase"] == "creating"
    if event % 4 == 1:
        machine.talosctl(*host.create("k"))
        shown = json.loads(machine.talosctl("cluster", "show", "--name", "k", "-o", "json").stdout)
        assert (shown["phase"], shown["services_running"]) == ("ready", True)
        assert [node["state"] for node in shown["nodes"]] == ["running"]
    machine.talosctl("cluster", "destroy", "--name", "k")
    assert machine.snapshot() == before


def test_a_create_killed_at_any_moment_is_destroyed(machine: Host) -> None:
    before = machine.snapshot()
    chance = random.Random(28)
    for _ in range(6):
        command = machine.spawn(*host.create("k", "--progress", "quiet"))
        time.sleep(chance.uniform(0.3, 1.6))
        _kill_command(machine, command)
        # Nothing at all was made where it was killed too early.
        machine.talosctl("cluster", "destroy", "--name", "k", code=None)
        assert machine.snapshot() == before


def test_a_half_created_cluster_says_what_to_do(machine: Host) -> None:
    before = machine.snapshot()
    _create_and_kill_at(machine, EVENTS - 2)
    for words in (["stop"], ["start"], ["reboot"], ["node", "add"]):
        said = machine.talosctl("cluster", *words, "--name", "k", code=7).stderr
        assert said == (
            "error: cluster k is half created; repeat its create to go on, or: talosctl cluster destroy --name k\n"
        )
    said = machine.talosctl(*host.create("k", "--memory", "3GiB"), code=7).stderr
    assert said.startswith("error: cluster k is half created from other settings; repeat those, or remove it first:")
    assert said.count("\n") == 1
    machine.talosctl("cluster", "destroy", "--name", "k")
    assert machine.snapshot() == before


@pytest.mark.parametrize("delay_s", [0.4, 0.7, 1.0])
def test_a_killed_destroy_is_repeated(machine: Host, delay_s: float) -> None:
    before = machine.snapshot()
    machine.talosctl(*host.create("k"))
    command = machine.spawn("cluster", "destroy", "--name", "k")
    time.sleep(delay_s)
    _kill_command(machine, command)
    if (machine.clusters / "k/state.json").exists():
        said = machine.talosctl(*host.create("k"), code=7).stderr
        assert "talosctl cluster destroy --name k" in said or "exists already" in said
        machine.talosctl("cluster", "destroy", "--name", "k")
    else:
        machine.talosctl("cluster", "destroy", "--name", "k", code=None)
    assert machine.snapshot() == before


@pytest.mark.parametrize("victim", ["launcher", "services", "init", "everything"])
def test_killed_processes_of_a_cluster_leave_nothing(machine: Host, victim: str) -> None:
    before = machine.snapshot()
    machine.talosctl(*host.create("k"))
    marks = {"launcher": "provision\0launcher", "services": "provision\0services", "init": "/init\0", "everything": ""}
    for pid in machine.pids():
        if marks[victim] in host.words(pid):
            host.kill(pid)
    machine.talosctl("cluster", "show", "--name", "k")
    machine.talosctl("cluster", "destroy", "--name", "k")
    assert machine.snapshot() == before


def test_a_killed_launcher_takes_its_node_along_and_start_brings_it_back(machine: Host) -> None:
    machine.talosctl(*host.create("k"))
    (launcher,) = [pid for pid in machine.pids() if "provision\0launcher" in host.words(pid)]
    host.kill(launcher)

    def node() -> dict[str, object]:
        shown = json.loads(machine.talosctl("cluster", "show", "--name", "k", "-o", "json").stdout)
        found: dict[str, object] = shown["nodes"][0]
        return found

    assert node()["state"] == "down"
    host.until(lambda: not any("/usr/bin/init\0" in host.words(pid) for pid in machine.pids()), 20, "init is gone")
    machine.talosctl("cluster", "start", "--name", "k", "--wait=false")
    assert node()["state"] == "running"
    machine.talosctl("cluster", "destroy", "--name", "k")


def test_destroy_without_a_state_file_removes_what_the_name_tells(machine: Host) -> None:
    before = machine.snapshot()
    machine.talosctl(*host.create("k"))
    (machine.clusters / "k/state.json").unlink()
    assert machine.snapshot().processes != before.processes
    machine.talosctl("cluster", "destroy", "--name", "k")
    left = machine.snapshot()
    # Which talosconfig it was in only the state file knew.
    assert set(left.files) - set(before.files) <= {".talos", ".talos/config"}
    for file in sorted((machine.home / ".talos").glob("*")):
        file.unlink()
    (machine.home / ".talos").rmdir()
    assert machine.snapshot() == before


def test_a_damaged_state_file_is_named_and_destroy_force_goes_on(machine: Host) -> None:
    before = machine.snapshot()
    machine.talosctl(*host.create("k", "--talosconfig-destination", str(machine.home / "tc")))
    (machine.clusters / "k/state.json").write_text("{")
    for words in (["show"], ["stop"], ["destroy"]):
        assert "state.json" in machine.talosctl("cluster", *words, "--name", "k", code=2).stderr
    machine.talosctl("cluster", "destroy", "--name", "k", "--force")
    (machine.home / "tc").unlink()
    assert machine.snapshot() == before
