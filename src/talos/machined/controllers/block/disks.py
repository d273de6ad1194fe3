"""Disks, with what the hardware says of itself."""

from __future__ import annotations

from talos.cosi import controller
from talos.linux import block
from talos.machined.controllers.block import _sizes
from talos.machined.modes import Mode
from talos.machinery.resources.block.block_device import BlockDevice
from talos.machinery.resources.block.block_symlink import BlockSymlink
from talos.machinery.resources.block.disk import Disk


def describe(device: block.Device, details: block.Details, symlinks: tuple[str, ...] = ()) -> Disk.Spec:
    """The resource of one disk."""
    return Disk.Spec(
        dev_path=device.path,
        size=device.size,
        pretty_size=_sizes.pretty(device.size),
        io_size=device.io_bytes,
        sector_size=device.sector_bytes,
        readonly=device.read_only,
        cdrom=details.cdrom,
        model=details.model,
        firmware_version=details.firmware,
        serial=details.serial,
        modalias=details.modalias,
        wwid=details.wwid,
        uuid=details.uuid,
        bus_path=details.bus_path,
        sub_system=details.subsystem,
        transport=details.transport,
        rotational=details.rotational,
        secondary_disks=device.secondaries,
        symlinks=symlinks,
    )


class DisksController(controller.Controller):
    """One Disk for each block device that is a whole one."""

    inputs = (controller.weak(BlockDevice), controller.weak(BlockSymlink))
    outputs = (controller.exclusive(Disk),)
    modes = Mode.MACHINE

    async def reconcile(self, r: controller.Handle) -> None:
        """Read sysfs anew."""
        names = {one.id: one.spec.paths for one in await r.list(BlockSymlink)}
        for one in await r.list(BlockDevice):
            device = block.find(one.id) if one.spec.type == "disk" else None
            if device is not None:
                await r.put(Disk(one.id, describe(device, block.details(device), names.get(one.id, ()))))
