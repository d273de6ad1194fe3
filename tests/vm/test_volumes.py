"""The volumes of a machine: made in place on its disk when a configuration comes, found again after a reboot; a second
disk that looks like an earlier system's is not touched.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from talos.base.constants import partitions
from talos.linux import gpt
from tests.vm.guest import BOOT_S, CHECKOUT, Guest

pytestmark = [pytest.mark.needs_machine, pytest.mark.slow, pytest.mark.timeout(2000)]
USER_VOLUME = """---
apiVersion: v1alpha1
kind: UserVolumeConfig
name: data
provisioning:
  diskSelector:
    match: system_disk
  minSize: 300MiB
  maxSize: 300MiB
"""


def write_alike(path: Path) -> None:
    """A disk with partitions of every name the system uses but META, and a pattern in each."""
    size = 3 << 30
    table = gpt.empty(uuid.uuid4(), size)
    for label, length in (("EFI", 64 << 20), (partitions.STATE, 100 << 20), ("u-data", 300 << 20), ("EPHEMERAL", None)):
        table = table.add(gpt.LINUX_DATA, uuid.uuid4(), label, length)
    with path.open("wb") as disk:
        disk.truncate(size)
        for offset, piece in gpt.layout(table):
            disk.seek(offset)
            disk.write(piece)
        for part in table.partitions:
            disk.seek((part.first + part.sectors // 2) * 512)
            disk.write(b"somebody's data" * 100)


@dataclass
class Machine:
    guest: Guest
    folder: Path
    alike: Path
    before: str
    answers: dict[str, str] = field(default_factory=dict)

    def talosctl(self, *words: str, insecure: bool = False) -> str:
        """Run it until it succeeds: an API that starts refuses for a while."""
        target = ["--nodes", f"127.0.0.1:{self.guest.port}", "--insecure"] if insecure else self._target()
        argv = [sys.executable, "-m", "talos.talosctl.main", *words, *target]
        env = {"PYTHONPATH": str(CHECKOUT / "src"), "PATH": "/usr/bin:/bin", "HOME": str(self.folder)}
        deadline = time.monotonic() + BOOT_S
        while True:
            ended = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)
            if ended.returncode == 0:
                return ended.stdout + ended.stderr
            assert time.monotonic() < deadline, ended.stderr + self.guest.console()[-3000:]
            time.sleep(2)

    def _target(self) -> list[str]:
        config = str(self.folder / "config" / "talosconfig")
        return ["--talosconfig", config, "-e", f"127.0.0.1:{self.guest.port}", "-n", "127.0.0.1"]


def first_boot(machine: Machine) -> None:
    """Maintenance, META, configuration, volumes, reboot."""
    guest, config = machine.guest, machine.folder / "config"
    guest.wait_for(r"service\[apid\]\(Running\): health check succeeded")
    machine.answers["disks"] = machine.talosctl("get", "disks", insecure=True)
    machine.talosctl("meta", "write", "0x0c", "kept", insecure=True)
    generate = [sys.executable, "-m", "talos.talosctl.main", "gen", "config", "vm", "https://10.0.2.15:6443"]
    env = {"PYTHONPATH": str(CHECKOUT / "src"), "PATH": "/usr/bin:/bin", "HOME": str(machine.folder)}
    subprocess.run([*generate, "-o", str(config)], env=env, check=True, capture_output=True, timeout=60)
    file = config / "controlplane.yaml"
    text, changed = re.subn(
        r"(?m)^name: EPHEMERAL.*$", "name: EPHEMERAL\nprovisioning: {maxSize: 5GiB}", file.read_text()
    )
    assert changed == 1
    file.write_text(text.rstrip() + "\n" + USER_VOLUME)
    machine.talosctl("apply-config", "-f", str(file), insecure=True)
    guest.wait_for(r"volume EPHEMERAL is mounted at /var")
    guest.wait_for(r"volume u-data is mounted at /var/mnt/data")
    machine.answers["first"] = guest.console()
    machine.talosctl("reboot", "--wait=false")
    guest.wait_for_end()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("volumes")
    alike = folder / "alike.raw"
    write_alike(alike)
    before = hashlib.sha256(alike.read_bytes()).hexdigest()
    guest = Guest(folder, memory_mib=3072, disks=[str(alike)], disk_gib=8)
    made = Machine(guest, folder, alike, before)
    with guest:
        first_boot(made)
    with guest:
        guest.wait_for(r"volume u-data is mounted at /var/mnt/data")
        yield made


@pytest.mark.feature("I001", "I004", "I006", "I009", "I012", "I013", "I018", "I032")
def test_volumes_are_made_on_the_system_disk(machine: Machine) -> None:
    console = machine.answers["first"]
    for text in ("volume STATE is missing", "volume STATE is provisioned /dev/vda", "volume EPHEMERAL is provisioned"):
        assert text in console
    assert "vdb" in machine.answers["disks"]
    assert "disk1" in machine.answers["disks"]
    shown = machine.talosctl("get", "discoveredvolumes")
    for label in ("META", "STATE", "EPHEMERAL", "u-data"):
        assert label in shown
    mounts = machine.talosctl("get", "mountstatus")
    assert "/system/state" in mounts
    assert "/var/mnt/data" in mounts


@pytest.mark.feature("E044", "F026", "H008", "H013", "I010")
def test_after_a_reboot_the_configuration_comes_from_state(machine: Machine) -> None:
    machine.guest.wait_for(r"complete machine configuration from STATE")
    assert "provisioned" not in machine.guest.console()
    assert "unmounted" in machine.guest.earlier
    assert "still in use" not in machine.guest.earlier


@pytest.mark.feature("A064", "G080", "D168")
def test_meta_is_kept(machine: Machine) -> None:
    assert "kept" in machine.talosctl("get", "metakeys", "0x0c")
    machine.talosctl("meta", "delete", "0x0c")
    machine.talosctl("meta", "write", "0x0d", "again")
    shown = machine.talosctl("get", "metakeys")
    assert "0x0c" not in shown
    assert "again" in shown


@pytest.mark.feature("I013")
def test_ephemeral_has_quotas_and_the_size_it_was_given(machine: Machine) -> None:
    options = machine.talosctl("read", "/proc/mounts")
    assert any("/var xfs" in line and "prjquota" in line for line in options.splitlines())
    assert "5.4 GB" in next(line for line in machine.talosctl("get", "vs").splitlines() if "EPHEMERAL" in line)


KERNEL = frozenset(
    [
        "bpf",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "efivarfs",
        "fusectl",
        "hugetlbfs",
        "mqueue",
        "nsfs",
        "proc",
        "pstore",
        "securityfs",
        "selinuxfs",
        "sysfs",
        "tmpfs",
        "tracefs",
    ]
)
VOLUMES = {"/system/state": "STATE", "/var": "EPHEMERAL", "/var/mnt/data": "u-data"}


def test_nothing_is_writable_but_memory_and_volumes(machine: Machine) -> None:
    lines = [line.split() for line in machine.talosctl("read", "/proc/mounts").splitlines()]
    disks = {source for source, target, *_ in lines if target in VOLUMES}
    assert len(disks) == len(VOLUMES)
    seen = []
    for source, target, kind, options, *_ in lines:
        words = options.split(",")
        upper = next((word.partition("=")[2] for word in words if word.startswith("upperdir=")), "")
        if "rw" in words and kind not in KERNEL and source not in disks and not upper.startswith(("/var/", "/run/")):
            seen.append((source, target, kind))
    assert seen == []
    assert any(target == "/" and "ro" in options.split(",") for _, target, _, options, *_ in lines)


def test_the_node_has_cgroups_of_version_2_only(machine: Machine) -> None:
    lines = [line.split() for line in machine.talosctl("read", "/proc/mounts").splitlines()]
    found = [(target, kind) for _, target, kind, *_ in lines if kind.startswith("cgroup")]
    assert found == [("/sys/fs/cgroup", "cgroup2")]
    inside = machine.talosctl("read", "/proc/self/cgroup").strip()
    assert re.fullmatch(r"0::/init|0::/[\w./-]*machined[\w./-]*", inside)
    assert {"cpu", "memory", "pids"} <= set(machine.talosctl("read", "/sys/fs/cgroup/cgroup.subtree_control").split())
    pids = machine.talosctl("read", "/sys/fs/cgroup/system/apid/cgroup.procs").split()
    assert len(pids) == 1


@pytest.mark.feature("A075", "I036")
def test_what_a_volume_uses_cannot_be_wiped(machine: Machine) -> None:
    argv = [sys.executable, "-m", "talos.talosctl.main", "wipe", "disk", "vda5", *machine._target()]
    env = {"PYTHONPATH": str(CHECKOUT / "src"), "PATH": "/usr/bin:/bin", "HOME": str(machine.folder)}
    ended = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode != 0
    assert "is used by volume" in ended.stderr


def test_the_other_disk_is_untouched_byte_for_byte(machine: Machine) -> None:
    assert hashlib.sha256(machine.alike.read_bytes()).hexdigest() == machine.before


@pytest.mark.feature("H019", "H020")
def test_reset_empties_what_it_is_told_and_without_state_the_machine_waits(machine: Machine) -> None:
    guest = machine.guest
    words = ["reset", "--graceful=false", "--reboot", "--wait=false"]
    machine.talosctl(*words, "--system-labels-to-wipe", "EPHEMERAL", "--user-disks-to-wipe", "/dev/vdb")
    guest.wait_for_end()
    assert re.search(r"/dev/vda\d is wiped", guest.earlier)
    assert "provisioned" not in guest.earlier
    assert hashlib.sha256(machine.alike.read_bytes()).hexdigest() != machine.before
    with guest:
        guest.wait_for(r"volume EPHEMERAL is provisioned")
        guest.wait_for(r"complete machine configuration from STATE")
        shown = machine.talosctl("get", "discoveredvolumes")
        assert "u-data" in shown
        assert not re.search(r"vdb\d", shown)
        machine.talosctl(*words, "--system-labels-to-wipe", "STATE,EPHEMERAL")
        guest.wait_for_end()
    with guest:
        guest.wait_for(r"there is no STATE")
        assert "maintenance" in machine.talosctl("get", "machinestatus", insecure=True)
