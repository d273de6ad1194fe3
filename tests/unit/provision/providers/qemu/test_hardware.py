"""The command line of a machine, and the disks a person asks for."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import pytest

from talos.base import errors
from talos.provision.providers.qemu import hardware
from talos.provision.providers.qemu.hardware import Disk, DiskSpec, Emulator, Link, Machine

EMULATOR = Emulator(("/usr/bin/qemu-system-x86_64",), "/fw/CODE.fd", "/fw/VARS.fd", {"A": "b"})
MACHINE = Machine(
    name="c-worker-1",
    id="0e5a4b30-0000-5000-8000-000000000001",
    cpus=2,
    memory_bytes=2 << 30,
    accelerator=hardware.TCG,
    emulator=EMULATOR,
    variables="/n/variables.fd",
    disks=(Disk("/n/disk-0.raw", DiskSpec("virtio", 10 << 30)),),
    link=Link("/run/netns/talosx", "br0", "tap-w1", "02:42:0a:05:00:03"),
)


def values(words: list[str], flag: str) -> list[str]:
    return [value for name, value in itertools.pairwise(words) if name == flag]


def test_a_machine_has_uefi_a_console_a_monitor_and_its_link() -> None:
    words = hardware.command(MACHINE, monitor_fd=7, tap_fd=8)
    assert words[0] == EMULATOR.argv[0]
    assert values(words, "-machine") == ["q35"]
    assert values(words, "-smp") == ["2"]
    assert values(words, "-m") == ["size=2048M"]
    assert values(words, "-serial") == ["chardev:console"]
    assert "socket,id=monitor,fd=7" in values(words, "-chardev")
    assert values(words, "-netdev") == ["tap,id=n0,fd=8"]
    assert "virtio-net-pci,netdev=n0,mac=02:42:0a:05:00:03" in values(words, "-device")
    drives = values(words, "-drive")
    assert drives[0] == "if=pflash,unit=0,format=raw,readonly=on,file=/fw/CODE.fd"
    assert drives[1] == "if=pflash,unit=1,format=raw,file=/n/variables.fd"
    assert not any("type=11" in value for value in values(words, "-smbios"))


@pytest.mark.parametrize(
    ("accelerator", "accel", "cpu"), [("kvm", "kvm", "host"), ("tcg", "tcg,thread=multi", "max,-svm")]
)
def test_the_processor_is_the_accelerators(accelerator: str, accel: str, cpu: str) -> None:
    words = hardware.command(dataclasses.replace(MACHINE, accelerator=accelerator), monitor_fd=3, tap_fd=4)
    assert values(words, "-accel") == [accel]
    assert values(words, "-cpu") == [cpu]


@pytest.mark.parametrize(
    ("driver", "controller", "device"),
    [
        ("virtio", "", "virtio-blk-pci,drive=d1,serial=disk-1"),
        ("ide", "", "ide-hd,bus=ide.1,drive=d1,serial=disk-1"),
        ("ahci", "", "ide-hd,bus=ide.1,drive=d1,serial=disk-1"),
        ("scsi", "virtio-scsi-pci,id=scsi", "scsi-hd,bus=scsi.0,drive=d1,serial=disk-1"),
        ("megaraid", "megasas,id=megaraid", "scsi-hd,bus=megaraid.0,drive=d1,serial=disk-1"),
        ("nvme", "", "nvme,drive=d1,serial=disk-1"),
    ],
)
def test_disks_by_driver(driver: str, controller: str, device: str) -> None:
    disks = (*MACHINE.disks, Disk("/n/disk-1.raw", DiskSpec(driver, 1 << 30)))
    devices = values(hardware.command(dataclasses.replace(MACHINE, disks=disks), monitor_fd=3, tap_fd=4), "-device")
    assert "virtio-blk-pci,drive=d0,serial=disk-0,bootindex=0" in devices
    assert devices[-1] == device
    assert not controller or controller in devices


def test_commas_serials_and_block_sizes() -> None:
    spec = DiskSpec("nvme", 1 << 30, 4096, "a,b")
    made = dataclasses.replace(MACHINE, disks=(Disk("/n,x/d.raw", spec),), cmdline="talos.config=http://h/?a=b,c")
    words = hardware.command(made, monitor_fd=3, tap_fd=4)
    assert values(words, "-drive")[-1].endswith("file=/n,,x/d.raw")
    assert values(words, "-device")[-1] == (
        "nvme,drive=d0,serial=a,,b,logical_block_size=4096,physical_block_size=4096,bootindex=0"
    )
    assert values(words, "-smbios")[1] == (
        "type=11,value=io.systemd.stub.kernel-cmdline-extra=talos.config=http://h/?a=b,,c"
    )


def test_a_machine_survives_its_file(tmp_path: Path) -> None:
    MACHINE.save(tmp_path)
    assert Machine.load(tmp_path) == MACHINE
    alone = dataclasses.replace(MACHINE, link=None)
    alone.save(tmp_path)
    assert Machine.load(tmp_path) == alone
    assert "-netdev" not in hardware.command(alone, monitor_fd=3, tap_fd=None)


def test_identifiers_stay_and_differ() -> None:
    assert hardware.identifier("abc", "n-1") == hardware.identifier("abc", "n-1")
    assert len({hardware.identifier(*names) for names in (("abc", "n-1"), ("abc", "n-2"), ("abd", "n-1"))}) == 3


def test_disks_of_a_command_line() -> None:
    assert hardware.parse_disks("virtio:10GiB, NVMe:512MiB") == (
        DiskSpec("virtio", 10 << 30),
        DiskSpec("nvme", 512 << 20),
    )


@pytest.mark.parametrize("text", ["", "virtio", "floppy:10GiB", "virtio:10pounds", "virtio:1000"])
def test_disks_that_cannot_be_had(text: str) -> None:
    with pytest.raises(errors.Invalid):
        hardware.parse_disks(text)
