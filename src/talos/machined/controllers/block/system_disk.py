"""The disk the system is installed on: the one with META.

Two disks with META are no system disk: nothing could tell which of them is meant, and writing to the wrong one loses
data.
"""

from __future__ import annotations

from talos.base.constants import partitions
from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.resources.block.discovered_volume import DiscoveredVolume
from talos.machinery.resources.block.system_disk import SYSTEM_DISK_ID, SystemDisk


class SystemDiskController(controller.Controller):
    """Publishes the system disk while there is exactly one."""

    inputs = (controller.weak(DiscoveredVolume),)
    outputs = (controller.exclusive(SystemDisk),)
    modes = Mode.MACHINE

    async def reconcile(self, r: controller.Handle) -> None:
        """By the label of a partition of the right size."""
        disks = {
            volume.spec.parent
            for volume in await r.list(DiscoveredVolume)
            if volume.spec.partition_label == partitions.META and volume.spec.size == partitions.META_BYTES
        }
        if len(disks) == 1:
            disk = disks.pop()
            spec = SystemDisk.Spec(disk_id=disk, dev_path=f"/dev/{disk}")
            await r.put(SystemDisk(SYSTEM_DISK_ID, spec))
        elif disks:
            r.log.error("disks %s each have a META partition; none of them is used", ", ".join(sorted(disks)))
