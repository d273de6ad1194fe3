"""Mounting one volume, and undoing it: what a MountRequest and a VolumeStatus mean to the kernel."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from talos.base import errors
from talos.linux import filesystem, mount, swap_area
from talos.machinery.resources.block.mount_request import MountRequest
from talos.machinery.resources.block.volume_status import VolumeStatus
from talos.machinery.types.block import FilesystemType, VolumeType

_GROWING = frozenset({FilesystemType.XFS, FilesystemType.EXT4})
_QUOTA = {FilesystemType.XFS: "prjquota"}


@dataclass(frozen=True, slots=True)
class Call:
    """Arguments of mount(2)."""

    source: str
    target: str
    kind: str
    flags: mount.Flag
    data: str


def call(volume: VolumeStatus.Spec, request: MountRequest.Spec) -> Call:
    """What to mount, where, and how. Raises Invalid for a volume that has no place."""
    spec = volume.mount_spec
    if not spec.target_path:
        raise errors.Invalid(f"volume {request.volume_id} has no file system that could be mounted")
    flags = mount.Flag.NOATIME if request.disable_access_time else mount.Flag.RELATIME
    if request.secure:
        flags |= mount.Flag.NOSUID | mount.Flag.NODEV
    if request.no_exec:
        flags |= mount.Flag.NOEXEC
    if request.read_only:
        flags |= mount.Flag.RDONLY
    data = _QUOTA.get(volume.filesystem, "") if spec.project_quota_support else ""
    return Call(volume.mount_location, spec.target_path, volume.filesystem.value, flags, data)


async def apply(volume: VolumeStatus.Spec, request: MountRequest.Spec) -> str:
    """Mount a volume; one that is mounted already (by an earlier machined) is taken over. Returns the target."""
    if volume.filesystem is FilesystemType.SWAP:
        if volume.mount_location not in {os.path.realpath(area.device) for area in swap_area.active()}:
            await asyncio.to_thread(swap_area.enable, volume.mount_location)
        return ""
    spec = volume.mount_spec
    if volume.type is VolumeType.DIRECTORY:
        _directory(volume)
        return spec.target_path
    wanted = call(volume, request)
    present = mount.find(wanted.target)
    if present is None or os.path.realpath(present.source) != os.path.realpath(wanted.source):
        Path(wanted.target).mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(mount.mount, wanted.source, wanted.target, wanted.kind, wanted.flags, wanted.data)
    if not request.read_only:
        _directory(volume)
        if volume.filesystem in _GROWING:
            await filesystem.grow(volume.filesystem.value, wanted.source, wanted.target)
    return wanted.target


def _directory(volume: VolumeStatus.Spec) -> None:
    """The top of a volume, with its mode and owner."""
    spec = volume.mount_spec
    path = Path(spec.target_path)
    path.mkdir(parents=True, exist_ok=True)
    if spec.file_mode and path.stat().st_mode & 0o7777 != spec.file_mode:
        path.chmod(spec.file_mode)
    if (spec.uid or spec.gid) and (path.stat().st_uid, path.stat().st_gid) != (spec.uid, spec.gid):
        os.chown(path, spec.uid, spec.gid)


async def undo(kind: FilesystemType, source: str, target: str) -> None:
    """Unmount, or stop paging out. What is gone already is no error. Raises OSError while it is in use."""
    if kind is FilesystemType.SWAP:
        if source in {os.path.realpath(area.device) for area in swap_area.active()}:
            await asyncio.to_thread(swap_area.disable, source)
        return
    present = mount.find(target) if target else None
    if present is not None and os.path.realpath(present.source) == os.path.realpath(source):
        await asyncio.to_thread(mount.unmount, target)
