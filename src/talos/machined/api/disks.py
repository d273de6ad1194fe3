"""storage.StorageService: the disks of a machine in the old form, and wiping of what no volume uses."""

from __future__ import annotations

import asyncio
import re
from typing import ClassVar

from google.protobuf import empty_pb2

from talos.base import errors
from talos.cosi import state
from talos.linux import block, partitioning, wipe
from talos.machined import modes
from talos.machined.api import Handlers
from talos.machinery.api._generated.storage import storage_pb2
from talos.machinery.resources.block.disk import Disk
from talos.machinery.resources.block.system_disk import SYSTEM_DISK_ID, SystemDisk
from talos.machinery.resources.block.volume_status import VolumeStatus
from talos.machinery.rpc import server as rpc

_Descriptor = storage_pb2.BlockDeviceWipeDescriptor
_NAME = re.compile(r"[A-Za-z0-9!_.:-]+")


def kind(disk: Disk.Spec, name: str) -> storage_pb2.Disk.DiskType.ValueType:
    """What a disk is, as the old form has it."""
    if disk.cdrom:
        return storage_pb2.Disk.CD
    if name.startswith("nvme"):
        return storage_pb2.Disk.NVME
    if disk.transport == "mmc":
        return storage_pb2.Disk.SD
    return storage_pb2.Disk.HDD if disk.rotational else storage_pb2.Disk.SSD


def check(device: block.Device, others: list[block.Device], users: dict[str, str], request: _Descriptor) -> None:
    """Raise Conflict for a device that something uses. `users`: /dev name -> volume."""
    if device.read_only:
        raise errors.Conflict(f"{device.name} is read-only")
    affected = [device, *(other for other in others if other.parent == device.name)]
    for one in affected:
        if not request.skip_volume_check and one.path in users:
            raise errors.Conflict(f"{one.name} is used by volume {users[one.path]}")
        holders = [other.name for other in others if one.name in other.secondaries]
        if not request.skip_secondary_check and holders:
            raise errors.Conflict(f"{one.name} is part of {', '.join(holders)}")
    if request.drop_partition and device.kind != "partition":
        raise errors.Invalid(f"{device.name} is no partition, so there is none to drop")


class Storage(Handlers):
    """Disks and BlockDeviceWipe."""

    service: ClassVar[str] = "storage.StorageService"

    def __init__(self, mode: modes.Mode, store: state.State) -> None:
        self._mode, self._store = mode, store

    async def disks(self, request: empty_pb2.Empty, call: rpc.Call) -> storage_pb2.DisksResponse:
        """All disks."""
        system = await state.find(self._store, SystemDisk, SYSTEM_DISK_ID)
        listed = [
            storage_pb2.Disk(
                size=disk.spec.size,
                model=disk.spec.model,
                device_name=disk.spec.dev_path,
                name=disk.id,
                serial=disk.spec.serial,
                modalias=disk.spec.modalias,
                uuid=disk.spec.uuid,
                wwid=disk.spec.wwid,
                type=kind(disk.spec, disk.id),
                bus_path=disk.spec.bus_path,
                subsystem=disk.spec.sub_system,
                readonly=disk.spec.readonly,
                system_disk=system is not None and system.spec.disk_id == disk.id,
            )
            for disk in await self._store.list(Disk)
        ]
        return storage_pb2.DisksResponse(messages=[storage_pb2.Disks(disks=listed)])

    async def block_device_wipe(
        self, request: storage_pb2.BlockDeviceWipeRequest, call: rpc.Call
    ) -> storage_pb2.BlockDeviceWipeResponse:
        """Wipe devices, after all of them have been checked. Raises Invalid, NotFound, Conflict."""
        if self._mode is modes.Mode.CONTAINER:
            raise errors.Unsupported(f"method is not supported in {self._mode.label} mode: the disks are the host's")
        users = {
            volume.spec.location: volume.id for volume in await self._store.list(VolumeStatus) if volume.spec.location
        }
        others = await asyncio.to_thread(block.listed)
        cdroms = {disk.id for disk in await self._store.list(Disk) if disk.spec.cdrom}
        found = []
        for wanted in request.devices:
            device = block.find(wanted.device) if _NAME.fullmatch(wanted.device) else None
            if device is None:
                raise errors.NotFound(f"there is no block device {wanted.device!r}")
            if device.name in cdroms:
                raise errors.Conflict(f"{device.name} is a CD-ROM drive")
            check(device, others, users, wanted)
            found.append((device, wanted))
        for device, wanted in found:
            await asyncio.to_thread(_wipe, device, wanted)
        return storage_pb2.BlockDeviceWipeResponse(messages=[storage_pb2.BlockDeviceWipe()])


def _wipe(device: block.Device, request: _Descriptor) -> None:
    if request.method == _Descriptor.ZEROES:
        wipe.zeroes(device.path)
    else:
        wipe.signatures(device.path, device.sector_bytes)
    if request.drop_partition:
        partitioning.remove(f"/dev/{device.parent}", device.sector_bytes, device.partition)
