"""The images a machine brings along: a read-only file system on its disk, or on the medium it was started from.

The labels are the original's: IMAGECACHE on the disk, IMAGECACHE-ISO on a medium. Other than there it is on unless the
configuration says no, and what is in it is no registry but images as containerd keeps them: importing copies nothing.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from talos.base.constants import partitions, paths
from talos.cosi import controller
from talos.linux import mount
from talos.machined.modes import Mode
from talos.machinery.config import container
from talos.machinery.config.documents.cri import image_cache
from talos.machinery.resources.block.discovered_volume import DiscoveredVolume
from talos.machinery.resources.block.discovered_volumes_status import (
    DISCOVERED_VOLUMES_STATUS_ID,
    DiscoveredVolumesStatus,
)
from talos.machinery.resources.block.system_disk import SYSTEM_DISK_ID, SystemDisk
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.cri.image_cache_config import IMAGE_CACHE_CONFIG_ID, ImageCacheConfig
from talos.machinery.types.cri import ImageCacheCopyStatus, ImageCacheStatus

SQUASHFS = "squashfs"
_DISABLED = ImageCacheConfig.Spec(status=ImageCacheStatus.DISABLED, copy_status=ImageCacheCopyStatus.SKIPPED)


def wanted(config: container.Container) -> bool:
    """Whether the configuration lets the images be used: they are, unless it says no."""
    document = config.one(image_cache.ImageCacheConfig)
    if document is not None and document.local is not None and document.local.enabled is not None:
        return document.local.enabled
    machine = config.v1alpha1.machine if config.v1alpha1 else None
    legacy = machine.features.image_cache if machine and machine.features else None
    return legacy is None or legacy.local_enabled is not False


def choose(volumes: list[DiscoveredVolume], system_disk: str) -> tuple[str, Path] | None:
    """Device and mount point: the system disk's partition before that of a medium."""
    found = [one.spec for one in volumes if one.spec.name == SQUASHFS]
    for one in found:
        if one.partition_label == partitions.IMAGECACHE and one.parent == system_disk:
            return one.dev_path, paths.IMAGE_CACHE_DISK
    for one in found:
        if one.partition_label == partitions.IMAGECACHE_ISO:
            return one.dev_path, paths.IMAGE_CACHE_ISO
    return None


class ImageCacheConfigController(controller.Controller):
    """Mounts the cache once there is a configuration, and says where it is. It stays until the machine goes down."""

    inputs = (
        controller.weak(MachineConfig, id=ACTIVE_ID),
        controller.weak(DiscoveredVolume),
        controller.weak(DiscoveredVolumesStatus, id=DISCOVERED_VOLUMES_STATUS_ID),
        controller.weak(SystemDisk, id=SYSTEM_DISK_ID),
    )
    outputs = (controller.exclusive(ImageCacheConfig),)
    modes = Mode.MACHINE

    async def reconcile(self, r: controller.Handle) -> None:
        """Look for the cache when all disks are known; one that cannot be mounted is told and left out."""
        known = await r.find(ImageCacheConfig, IMAGE_CACHE_CONFIG_ID)
        if known is not None and known.spec.status is ImageCacheStatus.READY:
            await r.put(known)
            return
        active = await r.find(MachineConfig, ACTIVE_ID)
        complete = await r.find(DiscoveredVolumesStatus, DISCOVERED_VOLUMES_STATUS_ID)
        if active is None or complete is None or not complete.spec.ready:
            return
        spec = await self._mounted(r) if wanted(active.documents) else _DISABLED
        await r.put(ImageCacheConfig(IMAGE_CACHE_CONFIG_ID, spec))

    async def _mounted(self, r: controller.Handle) -> ImageCacheConfig.Spec:
        system = await r.find(SystemDisk, SYSTEM_DISK_ID)
        chosen = choose(await r.list(DiscoveredVolume), system.spec.disk_id if system is not None else "")
        if chosen is None:
            return _DISABLED
        device, target = chosen
        try:
            if mount.find(str(target)) is None:
                target.mkdir(parents=True, exist_ok=True)
                flags = mount.Flag.RDONLY | mount.Flag.NODEV
                await asyncio.to_thread(mount.mount, device, target, SQUASHFS, flags)
        except OSError as error:
            r.log.error("the image cache is not used: %s", error)
            return _DISABLED
        r.log.info("images come from %s", device)
        on_disk = target == paths.IMAGE_CACHE_DISK
        copied = ImageCacheCopyStatus.READY if on_disk else ImageCacheCopyStatus.SKIPPED
        return ImageCacheConfig.Spec(status=ImageCacheStatus.READY, copy_status=copied, roots=(str(target),))
