"""A virtual machine as data, and the command line of QEMU that makes it. Pure.

The machine is a q35 under UEFI with a serial console and one virtio link; its disks come in the order of the request.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from talos.base import errors
from talos.provision.providers.namespaces import launch
from talos.provision.request import MIB, parse_size

KVM, TCG = "kvm", "tcg"
DRIVERS = ("virtio", "ide", "ahci", "scsi", "nvme", "megaraid")
BLOCK_SIZES = (512, 4096)
# What names the machines' identifiers (RFC 9562, version 5); any constant does, as long as it stays.
_NAMESPACE = uuid.UUID("5f1b7ab0-54a4-4a4a-9d4b-6f4f35b0a9f1")


@dataclass(frozen=True, slots=True)
class DiskSpec:
    """A disk to be made."""

    driver: str
    size_bytes: int
    block_bytes: int = 512
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk as the machine sees it."""

    path: str
    spec: DiskSpec


@dataclass(frozen=True, slots=True)
class Emulator:
    """QEMU and firmware of this machine: words that start the program, its environment, code and empty variables."""

    argv: tuple[str, ...]
    code: str
    variables: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """The machine's one link: tap `name` in the network namespace at `namespace`, a port of the bridge there."""

    namespace: str
    bridge: str
    name: str
    mac: str
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class Machine:
    """Everything a keeper needs. Paths are absolute; `cmdline` is what the boot stub adds to the kernel's arguments."""

    name: str
    id: str
    cpus: int
    memory_bytes: int
    accelerator: str
    emulator: Emulator
    variables: str
    disks: tuple[Disk, ...]
    link: Link | None
    cmdline: str = ""
    grace_s: float = 180.0

    def save(self, folder: Path) -> None:
        """Write the file that the keeper reads."""
        launch.write_json(folder / launch.LAUNCH_FILE, dataclasses.asdict(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the file. Raises OSError."""
        content = json.loads((folder / launch.LAUNCH_FILE).read_text())
        emulator = content["emulator"]
        return cls(
            **{
                **content,
                "emulator": Emulator(**{**emulator, "argv": tuple(emulator["argv"])}),
                "disks": tuple(Disk(one["path"], DiskSpec(**one["spec"])) for one in content["disks"]),
                "link": Link(**content["link"]) if content["link"] else None,
            }
        )


def identifier(cluster: str, node: str) -> str:
    """The UUID of a node: the same whenever it starts, another in another cluster."""
    return str(uuid.uuid5(_NAMESPACE, f"{cluster}/{node}"))


def command(machine: Machine, *, monitor_fd: int, tap_fd: int | None) -> list[str]:
    """The command line. The console is QEMU's standard output; the other two are inherited descriptors."""
    emulator = machine.emulator
    words = [*emulator.argv, "-nodefaults", "-no-user-config", "-display", "none", "-name", f"guest={machine.name}"]
    words += ["-machine", "q35", "-accel", "kvm" if machine.accelerator == KVM else "tcg,thread=multi"]
    # Without svm: loading the driver of nested virtualisation holds up an emulated machine for a minute.
    words += ["-cpu", "host" if machine.accelerator == KVM else "max,-svm"]
    words += ["-smp", str(machine.cpus), "-m", f"size={machine.memory_bytes // MIB}M", "-uuid", machine.id]
    words += ["-smbios", f"type=1,uuid={machine.id},serial={machine.id}"]
    if machine.cmdline:
        # systemd-stub(7): SMBIOS type 11 strings.
        words += ["-smbios", f"type=11,value=io.systemd.stub.kernel-cmdline-extra={_escaped(machine.cmdline)}"]
    words += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={_escaped(emulator.code)}"]
    words += ["-drive", f"if=pflash,unit=1,format=raw,file={_escaped(machine.variables)}"]
    words += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
    words += ["-chardev", f"socket,id=monitor,fd={monitor_fd}", "-mon", "chardev=monitor,mode=control"]
    words += ["-device", "virtio-rng-pci"]
    if machine.link is not None and tap_fd is not None:
        words += ["-netdev", f"tap,id=n0,fd={tap_fd}", "-device", f"virtio-net-pci,netdev=n0,mac={machine.link.mac}"]
    return [*words, *_storage(machine.disks)]


def _storage(disks: tuple[Disk, ...]) -> list[str]:
    words = []
    for driver, model in (("scsi", "virtio-scsi-pci"), ("megaraid", "megasas")):
        if any(disk.spec.driver == driver for disk in disks):
            words += ["-device", f"{model},id={driver}"]
    for number, disk in enumerate(disks):
        # The guest's flushes reach the disk; what it discards is given back to this machine.
        backend = f"if=none,id=d{number},format=raw,cache=writeback,discard=unmap,detect-zeroes=unmap"
        words += ["-drive", f"{backend},file={_escaped(disk.path)}"]
        words += ["-device", _device(disk.spec, number)]
    return words


def _device(spec: DiskSpec, number: int) -> str:
    model = {
        "virtio": "virtio-blk-pci",
        "ide": f"ide-hd,bus=ide.{number % 6}",
        "ahci": f"ide-hd,bus=ide.{number % 6}",
        "scsi": "scsi-hd,bus=scsi.0",
        "megaraid": "scsi-hd,bus=megaraid.0",
        "nvme": "nvme",
    }[spec.driver]
    words = [model, f"drive=d{number}", f"serial={_escaped(spec.serial or f'disk-{number}')}"]
    if spec.block_bytes != 512:
        words += [f"logical_block_size={spec.block_bytes}", f"physical_block_size={spec.block_bytes}"]
    return ",".join([*words, *(["bootindex=0"] if number == 0 else [])])


def _escaped(text: str) -> str:
    """A value among QEMU's comma separated options."""
    return text.replace(",", ",,")


def parse_disks(text: str) -> tuple[DiskSpec, ...]:
    """Disks of "virtio:10GiB,nvme:6GiB". Raises Invalid."""
    found = []
    for part in (part.strip() for part in text.split(",") if part.strip()):
        driver, colon, size = part.partition(":")
        if not colon:
            raise errors.Invalid(f"disk {part!r} is not <driver>:<size> (example: virtio:10GiB)")
        found.append(check_disk(DiskSpec(driver.lower(), parse_size(size))))
    if not found:
        raise errors.Invalid("a virtual machine needs at least one disk")
    return tuple(found)


def check_disk(spec: DiskSpec) -> DiskSpec:
    """Return the disk if it can be had. Raises Invalid."""
    if spec.driver not in DRIVERS:
        raise errors.Invalid(f"disk driver {spec.driver!r}: there are {', '.join(DRIVERS)}")
    if spec.size_bytes < MIB or spec.size_bytes % 4096:
        raise errors.Invalid(f"a disk of {spec.size_bytes} bytes: at least 1 MiB, and a multiple of 4096")
    if spec.block_bytes not in BLOCK_SIZES:
        raise errors.Invalid(f"block size {spec.block_bytes}: there are {', '.join(map(str, BLOCK_SIZES))}")
    return spec
