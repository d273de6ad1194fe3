"""What the commands that create virtual machines share: flags, and the choices they stand for."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from talos.base import errors
from talos.talosctl import command, output

if TYPE_CHECKING:
    from talos.provision.providers.qemu import hardware, making

FLAGS = (
    command.Flag("disk-image-path", "qemu: disk image to start from (default: the last built one)", metavar="PATH"),
    command.Flag("disk-block-size", "qemu: block size of the disks (default 512)", kind="int", default=512),
    command.Flag("extra-disks", "qemu: further disks of each worker", kind="int", default=0),
    command.Flag("extra-disks-size", "qemu: their size in MB (default 5120)", kind="int", default=5120),
    command.Flag(
        "extra-disks-drivers", "qemu: their drivers (virtio, ide, ahci, scsi, nvme, megaraid)", kind="strings"
    ),
    command.Flag("extra-disks-serials", "qemu: their serial numbers", kind="strings"),
    command.Flag("extra-disks-on-controlplanes", "qemu: control planes have them, too", kind="bool"),
    command.Flag("extra-boot-kernel-args", "qemu: further arguments of the kernel, at every start"),
    command.Flag("extra-uefi-search-paths", "qemu: folders where firmware is looked for first", kind="strings"),
    command.Flag("disable-dhcp-hostname", "qemu: do not tell the nodes their names by DHCP", kind="bool"),
    command.Flag("skip-injecting-config", "qemu: leave the nodes in maintenance mode", kind="bool"),
    command.Flag("with-uefi", "qemu: UEFI firmware; there is no other (default true)", kind="bool", default=True),
)


def extra_disks(args: argparse.Namespace) -> tuple[hardware.DiskSpec, ...]:
    """The disks after the first. Raises Invalid."""
    from talos.provision.providers.qemu import hardware
    from talos.provision.request import MIB

    drivers, serials = args.extra_disks_drivers or [], args.extra_disks_serials or []
    if len(drivers) > args.extra_disks or len(serials) > args.extra_disks:
        raise errors.Invalid(f"drivers or serial numbers of more than {args.extra_disks} further disks")
    found = []
    for number in range(args.extra_disks):
        driver = drivers[number] if number < len(drivers) else "virtio"
        serial = serials[number] if number < len(serials) else ""
        size = args.extra_disks_size * MIB
        found.append(hardware.check_disk(hardware.DiskSpec(driver, size, args.disk_block_size, serial)))
    return tuple(found)


def from_flags(args: argparse.Namespace, first_bytes: int) -> making.Machines:
    """The choices of `FLAGS`, but for the accelerator. Raises Invalid, Unsupported, NotFound."""
    from talos.provision.providers.qemu import hardware

    if not args.with_uefi:
        raise errors.Unsupported("--with-uefi=false: the machine image starts from UEFI firmware only")
    first = hardware.check_disk(hardware.DiskSpec("virtio", first_bytes, args.disk_block_size))
    made = build((first, *extra_disks(args)), image=args.disk_image_path, firmware=args.extra_uefi_search_paths or ())
    settings = dataclasses.replace(
        made.settings,
        disks_everywhere=args.extra_disks_on_controlplanes,
        host_names=not args.disable_dhcp_hostname,
        configure=not args.skip_injecting_config,
        cmdline=args.extra_boot_kernel_args or "",
    )
    return dataclasses.replace(made, settings=settings)


def build(disks: tuple[hardware.DiskSpec, ...], *, image: str = "", firmware: Sequence[str] = ()) -> making.Machines:
    """Machines that install themselves on the first disk. Raises NotFound without an image."""
    from pathlib import Path

    from talos.provision.providers.qemu import making, programs, settings

    path = Path(image).absolute() if image else programs.machine_image()
    names = {"virtio": "/dev/vda", "nvme": "/dev/nvme0n1"}
    wanted = settings.Settings(str(path), disks=disks, firmware=tuple(firmware))
    return making.Machines(wanted, install_disk=names.get(disks[0].driver, "/dev/sda"))


async def accelerated(machines: making.Machines) -> making.Machines:
    """With KVM if it can run a guest here; says so if not."""
    from talos.provision.providers.qemu import accelerator, programs

    chosen, reason = await accelerator.choose(programs.find(machines.settings.firmware))
    if reason:
        output.say(
            f"no KVM ({reason}): the machines are emulated, time limits are {accelerator.TCG_SCALE:g} times longer"
        )
    return dataclasses.replace(machines, settings=dataclasses.replace(machines.settings, accelerator=chosen))
