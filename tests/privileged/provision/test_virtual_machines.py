"""Clusters of virtual machines: power, console, network and what is left of them. The guest is a firmware that finds
nothing to start but its shell, so a machine is up within seconds under emulation, too.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from talos.provision.providers.namespaces.node import mac_address
from talos.provision.providers.qemu import accelerator, hardware, programs
from tests.privileged.provision import host
from tests.privileged.provision.host import Host

pytestmark = [pytest.mark.needs_cluster, pytest.mark.needs_machine, pytest.mark.timeout(180)]
UP = "BdsDxe"
CIDR = "10.28.0.0/24"
CLIENT = """
import asyncio, socket, struct, sys
from talos.linux import dhcp4
async def main():
    exchange = dhcp4.Exchange("client", sys.argv[1])
    lease = await exchange.acquire(10)
    print(lease.address, lease.gateways[0], lease.dns[0], lease.hostname, lease.mtu)
asyncio.run(main())
"""
QUERY = """
import socket, struct, sys
labels = b"".join(bytes([len(l)]) + l.encode() for l in sys.argv[1].split("."))
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(20)
sock.sendto(struct.pack("!HHHHHH", 9, 0x100, 1, 0, 0, 0) + labels + bytes([0, 0, 1, 0, 1]), ("10.28.0.1", 53))
answer = sock.recv(4096)
print(answer[3] & 15, socket.inet_ntoa(answer[-4:]))
"""


@pytest.fixture
def image(machine: Host) -> Path:
    """An empty disk."""
    path = machine.home.with_name(f"{machine.home.name}-empty.raw")
    with path.open("wb") as made:
        made.truncate(4 << 20)
    return path


def create(image: Path, *more: str) -> tuple[str, ...]:
    words = ("cluster", "create", "--provisioner", "qemu", "--name", "v", "--cidr", CIDR, "--workers", "0")
    stub = ("--disk-image-path", str(image), "--disk", "2GiB", "--skip-injecting-config", "--wait=false")
    return (*words, *stub, *more)


@pytest.fixture
def running(machine: Host, image: Path) -> Iterator[Host]:
    """A machine whose firmware is up; afterwards nothing may be left."""
    before = machine.snapshot()
    machine.talosctl(*create(image))
    ups(machine, 1)
    yield machine
    machine.talosctl("cluster", "destroy", "--name", "v")
    assert machine.snapshot() == before


def shown(machine: Host) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(machine.talosctl("cluster", "show", "--name", "v", "-o", "json").stdout)
    return described


def node(machine: Host) -> Mapping[str, Any]:
    (one,) = shown(machine)["nodes"]
    return dict(one)


def folder(machine: Host) -> Path:
    return machine.clusters / "v/nodes/v-controlplane-1"


def ups(machine: Host, number: int) -> None:
    """Wait until the console has told of so many starts of the firmware."""
    console = folder(machine) / "console.log"

    def told() -> bool:
        return console.exists() and console.read_text(errors="replace").count("Mapping table") >= number

    host.until(told, 60, f"start number {number} of the firmware")


def real_pid(machine: Host, inner: int) -> int:
    (found,) = [pid for pid in machine.pids() if host.inner_pid(pid) == inner]
    return found


def keeper_pid(machine: Host) -> int:
    record = json.loads((folder(machine) / "run.json").read_text())
    return real_pid(machine, record["pid"])


def segment(machine: Host, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the cluster's network namespace."""
    return machine.run("nsenter", f"--net=/run/netns/{machine.names('v').bridge}", *words, timeout_s=30)


@pytest.mark.feature("G013", "G021", "G024")
def test_a_machine_is_made_shown_and_removed(machine: Host, image: Path) -> None:
    before = machine.snapshot()
    machine.talosctl(*create(image, "--extra-disks", "1", "--extra-disks-on-controlplanes", "--extra-disks-size", "64"))
    told = shown(machine)
    assert (told["provisioner"], told["phase"], told["services_running"]) == ("qemu", "ready", True)
    assert node(machine)["state"] == "running"
    links = segment(machine, "ip", "-br", "link").stdout
    assert {line.split("@")[0].split()[0] for line in links.splitlines()} == {"lo", "br0", "uplink", "tap-c1"}
    during = machine.snapshot()
    for part in ("links", "tables", "cgroups", "mounts", "files", "routes", "processes"):
        assert len(getattr(during, part)) > len(getattr(before, part)), part
    files = {path.name: path.stat() for path in folder(machine).glob("disk-*.raw")}
    assert {name: stat.st_size >> 20 for name, stat in files.items()} == {"disk-0.raw": 2048, "disk-1.raw": 64}
    assert all(stat.st_blocks * 512 < 16 << 20 for stat in files.values()), "the disks are not sparse"
    machine.talosctl("cluster", "destroy", "--name", "v")
    assert machine.snapshot() == before


def test_the_command_of_its_own(machine: Host, image: Path) -> None:
    before = machine.snapshot()
    words = ("cluster", "create", "qemu", "--name", "v", "--cidr", CIDR, "--workers", "1", "--controlplanes", "1")
    made = machine.talosctl(
        *(*words, "--disks", "virtio:2GiB,nvme:64MiB", "--memory-workers", "1.5GiB", "--cpus-workers", "1"),
        *("--disk-image-path", str(image), "--wait=false", "--wait-timeout", "0", "--talosconfig-destination"),
        str(machine.home / "here"),
        code=None,
    )
    # The empty disk has no maintenance API to take the configuration; what was made stays to be looked at.
    assert "no maintenance API within the time" in made.stderr
    told = {one["type"]: (one["cpus"], one["memory_bytes"] >> 20, one["state"]) for one in shown(machine)["nodes"]}
    assert told == {"controlplane": (2.0, 2048, "running"), "worker": (1.0, 1536, "running")}
    disks = sorted(path.parent.name + "/" + path.name for path in machine.clusters.glob("v/nodes/*/disk-*.raw"))
    assert disks == ["v-controlplane-1/disk-0.raw", "v-worker-1/disk-0.raw", "v-worker-1/disk-1.raw"]
    assert "nvme,drive=d1" in " ".join(host.words(pid) for pid in machine.pids())
    assert "preset iso" in machine.talosctl(*words, "--presets", "iso", code=7).stderr
    assert "--schematic-id" in machine.talosctl(*words, "--schematic-id", "x", code=7).stderr
    machine.talosctl("cluster", "destroy", "--name", "v")
    assert machine.snapshot() == before


@pytest.mark.feature("G022", "G023")
def test_console_reset_and_power(running: Host) -> None:
    assert UP in running.talosctl("cluster", "logs", "--name", "v").stdout
    assert node(running)["boots"] == 1
    running.talosctl("cluster", "reboot", "--name", "v")
    ups(running, 2)
    assert (node(running)["boots"], node(running)["state"]) == (2, "running")
    # A firmware does not listen to the power button: the second press holds it down.
    command = running.spawn("cluster", "stop", "--name", "v")
    host.until(lambda: node(running)["state"] == "stopping", 30, "the power button is pressed")
    os.kill(keeper_pid(running), signal.SIGTERM)
    assert command.wait(30) == 0
    assert command.stderr is not None
    command.stderr.close()
    assert (shown(running)["phase"], node(running)["state"]) == ("stopped", "down")
    assert segment(running, "true").returncode != 0
    running.talosctl("cluster", "start", "--name", "v", "--wait=false")
    ups(running, 3)
    assert (shown(running)["phase"], node(running)["state"]) == ("ready", "running")


def test_a_machine_survives_its_qemu_but_not_its_keeper(running: Host) -> None:
    first = node(running)["pid"]
    host.kill(real_pid(running, first))
    ups(running, 2)
    assert node(running)["boots"] == 2
    qemu = node(running)["pid"]
    assert qemu not in (0, first)
    pid = real_pid(running, qemu)
    host.kill(keeper_pid(running))
    host.until(lambda: not Path(f"/proc/{pid}").exists(), 10, "QEMU ends with its keeper")
    assert node(running)["state"] == "down"
    assert "tap-c1" not in segment(running, "ip", "-br", "link").stdout
    running.talosctl("cluster", "start", "--name", "v", "--wait=false")
    ups(running, 3)


def test_nodes_get_their_addresses_and_names(running: Host) -> None:
    script = (
        "ip link add client address {mac} type veth peer name port"
        " && ip link set port master br0 up && ip link set client up && {python} -c '{client}' {mac}"
    )
    asked = {"python": sys.executable, "client": CLIENT}
    ours = segment(running, "sh", "-c", script.format(mac=mac_address("10.28.0.2"), **asked))
    assert ours.stdout.split() == ["10.28.0.2/24", "10.28.0.1", "10.28.0.1", "v-controlplane-1", "1500"], ours.stderr
    segment(running, "ip", "link", "delete", "client")
    other = segment(running, "sh", "-c", script.format(mac=mac_address("10.28.0.9"), **asked))
    assert "no DHCP server answers" in other.stderr
    segment(running, "ip", "address", "add", "10.28.0.9/24", "dev", "client")
    named = segment(running, sys.executable, "-c", QUERY, "V-ControlPlane-1")
    assert named.stdout.split() == ["0", "10.28.0.2"], named.stderr


@pytest.mark.parametrize("event", [6, 11, 15])
def test_a_create_killed_at_a_step_is_destroyed_or_repeated(machine: Host, image: Path, event: int) -> None:
    before = machine.snapshot()
    command = machine.spawn(*create(image, "--progress", "json"))
    assert command.stderr is not None
    seen = 0
    for line in command.stderr:
        seen += line.startswith("{")
        if seen == event:
            break
    for pid in host.children(command.pid) or [command.pid]:
        host.kill(pid)
    command.wait(20)
    command.stderr.close()
    if event % 2:
        machine.talosctl(*create(image))
        assert (shown(machine)["phase"], node(machine)["state"]) == ("ready", "running")
    machine.talosctl("cluster", "destroy", "--name", "v")
    assert machine.snapshot() == before


@pytest.mark.feature("G013", "G021")
def test_machines_come_back_after_a_reboot_of_their_host(tmp_path: Path) -> None:
    made = Host(tmp_path / "home")
    empty = tmp_path / "empty.raw"
    empty.write_bytes(bytes(4 << 20))
    with host.booted(made):
        before = made.snapshot()
        made.talosctl(*create(empty))
    with host.booted(made):
        assert made.snapshot().processes == before.processes
        assert node(made)["state"] == "down"
        made.talosctl("cluster", "start", "--name", "v", "--wait=false")
        ups(made, 1)
        assert node(made)["state"] == "running"
    with host.booted(made):
        made.talosctl("cluster", "destroy", "--name", "v")
        assert made.snapshot() == before


async def test_an_accelerator_is_used_only_after_a_guest_ran(tmp_path: Path) -> None:
    emulator = programs.find()
    assert await accelerator.refusal(emulator, hardware.TCG, timeout_s=60) == ""
    chosen, reason = await accelerator.choose(emulator, tmp_path / "no-kvm")
    assert (chosen, "cannot be opened" in reason) == (hardware.TCG, True)
    silent = tmp_path / "CODE.fd"
    silent.write_bytes(bytes(Path(emulator.code).stat().st_size))
    broken = dataclasses.replace(emulator, code=str(silent))
    assert "does not come up" in await accelerator.refusal(broken, hardware.TCG, timeout_s=4)
    absent = dataclasses.replace(emulator, argv=("/bin/false",))
    assert await accelerator.refusal(absent, hardware.KVM) != ""
