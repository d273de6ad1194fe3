"""Volumes: found, made where the configuration says so, formatted, ready to be mounted.

    waiting ─ missing ─ located ─ provisioned ─ prepared ─ ready      (failed: tried again)

Each step is one write, after which the device is probed again and the next step decided by what is found there; so a
cut between two of them is met at the next boot exactly as the step after it would be. Formatted is only what is empty:
a partition of the volume's own label, or a disk the configuration names.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from pathlib import Path

import msgspec

from talos.base import errors
from talos.base.constants import partitions
from talos.cosi import controller
from talos.linux import blkid, block, filesystem, gpt, partitioning, process
from talos.machined.controllers.block import _locating, _plan, _sizes
from talos.machined.modes import Mode
from talos.machinery.resources.block.discovered_volume import DiscoveredVolume
from talos.machinery.resources.block.discovered_volumes_status import (
    DISCOVERED_VOLUMES_STATUS_ID,
    DiscoveredVolumesStatus,
)
from talos.machinery.resources.block.disk import Disk
from talos.machinery.resources.block.mount_status import MountStatus
from talos.machinery.resources.block.system_disk import SYSTEM_DISK_ID, SystemDisk
from talos.machinery.resources.block.volume_config import PartitionSpec, VolumeConfig
from talos.machinery.resources.block.volume_status import VolumeStatus
from talos.machinery.resources.runtime.machine_reset_signal import MACHINE_RESET_SIGNAL_ID, MachineResetSignal
from talos.machinery.types.block import FilesystemType, VolumePhase, VolumeType

RETRY_S = 5.0
Status = VolumeStatus.Spec
_SETTLED = frozenset({VolumePhase.READY, VolumePhase.MISSING})


class VolumeManagerController(controller.Controller):
    """One VolumeStatus per VolumeConfig. Volumes of a wave are made when those of earlier waves are ready."""

    inputs = (
        controller.weak(VolumeConfig),
        controller.weak(DiscoveredVolume),
        controller.weak(Disk),
        controller.weak(SystemDisk, id=SYSTEM_DISK_ID),
        controller.weak(DiscoveredVolumesStatus, id=DISCOVERED_VOLUMES_STATUS_ID),
        controller.weak(MountStatus),
        controller.weak(MachineResetSignal, id=MACHINE_RESET_SIGNAL_ID),
    )
    outputs = (controller.exclusive(VolumeStatus),)
    modes = Mode.MACHINE

    async def reconcile(self, r: controller.Handle) -> None:
        """Take every volume one step further. While the machine resets itself nothing is made of what it empties."""
        if await r.find(MachineResetSignal, MACHINE_RESET_SIGNAL_ID) is not None:
            for one in await r.list(VolumeStatus):
                await r.put(VolumeStatus(one.id, one.spec))
            return
        view = await self._view(r)
        mounted = {one.id for one in await r.list(MountStatus)}
        configs = sorted(await r.list(VolumeConfig), key=_order)
        waiting: set[int] = set()
        for config in configs:
            wave = config.spec.provisioning.wave
            known = await r.find(VolumeStatus, config.id)
            status = await self._step(config, view, known, held=any(w < wave for w in waiting), mounted=mounted)
            if status.phase is VolumePhase.FAILED:
                r.wake_after(RETRY_S)
                if known is None or known.spec.error_message != status.error_message:
                    r.log.error("volume %s: %s", config.id, status.error_message)
            if status.phase not in _SETTLED:
                waiting.add(wave)
            if known is None or known.spec.phase is not status.phase:
                r.log.info("volume %s is %s %s", config.id, status.phase.value, status.location)
            await r.put(VolumeStatus(config.id, status))

    async def _view(self, r: controller.Handle) -> _locating.View:
        complete = await r.find(DiscoveredVolumesStatus, DISCOVERED_VOLUMES_STATUS_ID)
        system = await r.find(SystemDisk, SYSTEM_DISK_ID)
        return _locating.View(
            volumes=await r.list(DiscoveredVolume),
            disks=await r.list(Disk),
            system_disk=system.spec.disk_id if system is not None else "",
            complete=complete is not None and complete.spec.ready,
        )

    async def _step(
        self, config: VolumeConfig, view: _locating.View, known: VolumeStatus | None, *, held: bool, mounted: set[str]
    ) -> Status:
        spec = config.spec
        before = known.spec if known is not None else Status()
        base = Status(
            type=spec.type,
            parent_id=spec.parent_id,
            mount_spec=spec.mount,
            symlink_spec=spec.symlink,
            trim_enabled=spec.trim_enabled,
            trim_interval=spec.trim_interval,
        )
        if spec.type not in (VolumeType.PARTITION, VolumeType.DISK):
            return _without_device(base, spec)
        if config.id in mounted and before.phase is VolumePhase.READY:
            # What is in use stays what it is, whatever the configuration says now.
            return msgspec.structs.replace(base, **_place(before))
        try:
            return await self._device(config.id, spec, view, base, held=held)
        except (errors.TalosError, process.CommandFailed, OSError) as error:
            phase = before.pre_fail_phase if before.phase is VolumePhase.FAILED else before.phase
            return msgspec.structs.replace(
                base, phase=VolumePhase.FAILED, pre_fail_phase=phase, error_message=str(error)
            )

    async def _device(
        self, id: str, spec: VolumeConfig.Spec, view: _locating.View, base: Status, *, held: bool
    ) -> Status:
        if not view.complete:
            return base
        if spec.encryption.keys:
            raise errors.Unsupported(
                "encrypted volumes are not supported yet; nothing is written in plain text instead"
            )
        found = _locating.locate(id, spec, view)
        if found is not None:
            return await self._located(spec, found, base)
        if spec.type is VolumeType.DISK:
            raise errors.NotFound("no disk matches")
        if not spec.provisioning.disk_selector.match:
            return msgspec.structs.replace(base, phase=VolumePhase.MISSING)
        if held:
            return base
        return await self._provision(id, spec, view, base)

    async def _located(self, spec: VolumeConfig.Spec, found: DiscoveredVolume, base: Status) -> Status:
        volume, wanted = found.spec, spec.provisioning.filesystem_spec
        status = msgspec.structs.replace(
            base,
            phase=VolumePhase.LOCATED,
            location=volume.dev_path,
            mount_location=volume.dev_path,
            parent_location=volume.parent_dev_path,
            partition_index=volume.partition_index,
            partition_uuid=volume.partition_uuid,
            uuid=volume.uuid,
            size=volume.size,
            pretty_size=volume.pretty_size,
            filesystem=_filesystem(volume.name),
        )
        if spec.provisioning.partition_spec.grow and volume.parent:
            status = await self._grow(spec, volume, status)
        if wanted.type is FilesystemType.NONE:
            return msgspec.structs.replace(status, phase=VolumePhase.READY)
        if not volume.name:
            # What was formatted a moment ago is announced soon.
            await _format(spec, volume)
            return msgspec.structs.replace(status, phase=VolumePhase.PROVISIONED, filesystem=wanted.type)
        if volume.name != wanted.type.value:
            raise errors.Conflict(
                f"{volume.dev_path} holds {volume.name}, not {wanted.type.value}; it is not formatted over"
            )
        if spec.type is VolumeType.DISK and volume.label != wanted.label[: len(volume.label) or 1]:
            raise errors.Conflict(f"{volume.dev_path} holds {volume.name} {volume.label!r}, which is not this volume's")
        return msgspec.structs.replace(status, phase=VolumePhase.READY)

    async def _grow(self, spec: VolumeConfig.Spec, volume: DiscoveredVolume.Spec, status: Status) -> Status:
        part = spec.provisioning.partition_spec
        limit = part.max_size or None
        if part.negative_max_size or part.relative_max_size:
            return status
        size = await asyncio.to_thread(
            partitioning.grow, volume.parent_dev_path, volume.sector_size or 512, volume.partition_index, limit=limit
        )
        return msgspec.structs.replace(status, size=size, pretty_size=_sizes.pretty(size))

    async def _provision(self, id: str, spec: VolumeConfig.Spec, view: _locating.View, base: Status) -> Status:
        part = spec.provisioning.partition_spec
        system = spec.provisioning.wave == _plan.SYSTEM_WAVE
        disks = _locating.places(id, spec, view, system=system)
        if not disks:
            return msgspec.structs.replace(base, phase=VolumePhase.MISSING)
        refused: Sequence[str] = ()
        for disk in disks:
            try:
                made = await asyncio.to_thread(_make, disk.spec, part)
            except errors.Conflict as error:
                refused = (*refused, f"{disk.spec.dev_path}: {error}")
                continue
            # Announced by the kernel, it is probed, and found by its label.
            return msgspec.structs.replace(
                base, phase=VolumePhase.PROVISIONED, location=made, parent_location=disk.spec.dev_path
            )
        raise errors.Conflict(f"no disk takes it: {'; '.join(refused)}")


def _order(config: VolumeConfig) -> tuple[int, bool, int, str]:
    """META and STATE first; then by what a volume needs at least, so that one that grows leaves room for the others."""
    grows = config.spec.provisioning.partition_spec.grow
    first = (partitions.META, partitions.STATE).index(config.id) if config.id in ("META", "STATE") else 2
    return config.spec.provisioning.wave, grows, first, config.id


def _place(status: Status) -> dict[str, object]:
    kept = ("phase", "location", "mount_location", "parent_location", "partition_index", "partition_uuid", "uuid")
    return {name: getattr(status, name) for name in (*kept, "size", "pretty_size", "filesystem", "mount_spec")}


def _filesystem(name: str) -> FilesystemType:
    return next((kind for kind in FilesystemType if kind.value == name), FilesystemType.NONE)


def _without_device(base: Status, spec: VolumeConfig.Spec) -> Status:
    """Directories and what the host shares need nothing made."""
    kind = spec.provisioning.filesystem_spec.type
    source = next((p.string or "" for p in spec.mount.parameters if p.name == "source"), "")
    return msgspec.structs.replace(
        base, phase=VolumePhase.READY, filesystem=kind, location=source, mount_location=source
    )


def _make(disk: Disk.Spec, part: PartitionSpec) -> str:
    """Make a partition, unless one of that label is there already. Raises Conflict when the disk does not take it."""
    with partitioning.locked(disk.dev_path) as fd:
        table = partitioning.table(fd, disk.sector_size or 512)
    if table is None:
        table = gpt.empty(uuid.uuid4(), disk.size, disk.sector_size or 512)
    for present in table.partitions:
        if present.label == part.label:
            return "/dev/" + block.partition_name(Path(disk.dev_path).name, present.number)
    size = _plan.size(part, disk.size, partitioning.largest(table))
    if size is None:
        raise errors.Conflict(f"there is no room for {_sizes.pretty(part.min_size)}")
    made = partitioning.add(
        disk.dev_path, disk.sector_size or 512, label=part.label, type=uuid.UUID(part.type_uuid), size=size
    )
    return made.device


async def _format(spec: VolumeConfig.Spec, volume: DiscoveredVolume.Spec) -> None:
    """Make the file system on a device that is empty: it is looked at once more before anything is written."""
    wanted = spec.provisioning.filesystem_spec
    content = await asyncio.to_thread(blkid.probe_path, volume.dev_path, volume.sector_size or 512)
    if content is not None and content.name == wanted.type.value:
        return
    if content is not None:
        raise errors.Conflict(f"{volume.dev_path} holds {content.name}; it is not formatted over")
    await filesystem.make(
        wanted.type.value,
        volume.dev_path,
        label=wanted.label,
        allocation_group=wanted.min_allocation_group_size,
    )
