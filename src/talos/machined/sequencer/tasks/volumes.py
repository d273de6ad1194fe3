"""The volumes of a machine in its sequences: META and STATE before the configuration, EPHEMERAL before services.

Volumes are found, made and mounted by controllers; here they are asked for and waited for, and given back in the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time

from talos.base import errors
from talos.base.constants import partitions, paths
from talos.cosi import state
from talos.linux import mount
from talos.machined import ephemeral
from talos.machined.sequencer.context import Context
from talos.machinery.resources.block.mount_status import MountStatus
from talos.machinery.resources.block.volume_config import VolumeConfig
from talos.machinery.resources.block.volume_lifecycle import VOLUME_LIFECYCLE_ID, VolumeLifecycle
from talos.machinery.resources.block.volume_mount_request import VolumeMountRequest
from talos.machinery.resources.block.volume_mount_status import VolumeMountStatus
from talos.machinery.resources.block.volume_status import VolumeStatus
from talos.machinery.resources.runtime.meta_load import META_LOADED_ID, MetaLoad
from talos.machinery.types.block import VolumePhase

_log = logging.getLogger("sequencer.volumes")
REQUESTER = "sequencer"
DISCOVERY_S, MOUNT_S, UNMOUNT_S = 600.0, 900.0, 30.0
TIMEOUT_S = MOUNT_S + 60.0
"""Formatting a large, slow disk takes minutes."""
_SLICE_S = 5.0
_PROMOTABLE = ("ETCD", "CRI", "KUBELET", "LOG")


async def find_system(context: Context) -> None:
    """Wait until META and STATE are found, or known to be missing. Raises Conflict when several could be them."""
    await state.put(context.store, VolumeLifecycle(VOLUME_LIFECYCLE_ID))
    for id in (partitions.META, partitions.STATE):
        found = await _settled(context, id, DISCOVERY_S)
        if found.phase is VolumePhase.FAILED:
            raise errors.Conflict(found.error_message)
    await state.wait_for(context.store, MetaLoad, META_LOADED_ID, lambda found: found is not None, timeout_s=60)


async def _settled(context: Context, id: str, timeout_s: float) -> VolumeStatus.Spec:
    wanted = {VolumePhase.READY, VolumePhase.MISSING, VolumePhase.FAILED}
    found = await state.wait_for(
        context.store,
        VolumeStatus,
        id,
        lambda one: one is not None and one.spec.phase in wanted,
        timeout_s=timeout_s,
    )
    assert found is not None
    return found.spec


async def mount_state(context: Context) -> None:
    """Mount STATE if the system is installed. Without it the configuration lives in memory."""
    found = await _settled(context, partitions.STATE, DISCOVERY_S)
    if found.phase is VolumePhase.MISSING:
        _log.info("there is no STATE: the system is not installed")
        return
    await _mount(context, partitions.STATE)


async def mount_ephemeral(context: Context) -> None:
    """Mount EPHEMERAL and what lies below it, make its directories, and keep logs there from here on."""
    await _mount(context, partitions.EPHEMERAL)
    for id in _PROMOTABLE:
        config = await state.find(context.store, VolumeConfig, id)
        if config is not None and config.spec.provisioning.disk_selector.match:
            await _mount(context, id)
    await asyncio.to_thread(ephemeral.prepare)
    context.logs.persist(paths.LOG)


async def _mount(context: Context, id: str) -> None:
    """Ask for a volume and wait until it is mounted; a failure is told with its reason."""
    await state.put(
        context.store,
        VolumeMountRequest(f"{REQUESTER}/{id}", VolumeMountRequest.Spec(volume_id=id, requester=REQUESTER)),
    )
    deadline = time.monotonic() + MOUNT_S
    while True:
        try:
            await state.wait_for(
                context.store,
                VolumeMountStatus,
                f"{REQUESTER}/{id}",
                lambda found: found is not None,
                timeout_s=_SLICE_S,
            )
        except errors.TimedOut:
            found = await state.find(context.store, VolumeStatus, id)
            status = found.spec if found is not None else VolumeStatus.Spec()
            if status.phase is VolumePhase.MISSING:
                raise errors.NotFound(f"volume {id}: there is no disk for it; is the system installed?") from None
            if status.phase is VolumePhase.FAILED or time.monotonic() > deadline:
                reason = status.error_message or f"it is {status.phase.value}"
                raise errors.NotReady(f"volume {id} is not mounted: {reason}") from None
        else:
            return


async def close(context: Context) -> None:
    """Give all volumes back: the user's first, EPHEMERAL and STATE last. What is in use is left behind, synced."""
    await context.logs.stop_persisting()
    ephemeral.release()
    for cache in (paths.IMAGE_CACHE_DISK, paths.IMAGE_CACHE_ISO):
        with contextlib.suppress(OSError):
            mount.unmount(cache, mount.Detach.LAZY)
    _release_below(str(paths.EPHEMERAL), {one.spec.target for one in await context.store.list(MountStatus)})
    await asyncio.to_thread(os.sync)
    if await state.find(context.store, VolumeLifecycle, VOLUME_LIFECYCLE_ID) is not None:
        await state.teardown_and_destroy(context.store, VolumeLifecycle, VOLUME_LIFECYCLE_ID, timeout_s=UNMOUNT_S)
    for request in await context.store.list(VolumeMountRequest):
        if request.spec.requester == REQUESTER:
            await state.teardown_and_destroy(context.store, VolumeMountRequest, request.id, timeout_s=UNMOUNT_S)
    deadline = time.monotonic() + UNMOUNT_S
    while left := [one.id for one in await context.store.list(MountStatus)]:
        if time.monotonic() > deadline:
            _log.warning("volumes %s are still in use", ", ".join(left))
            break
        await asyncio.sleep(0.1)
    await asyncio.to_thread(os.sync)


def _release_below(top: str, volumes: set[str]) -> None:
    """Unmount what containers and pods left in a volume, or laid over directories of it."""
    for one in reversed(mount.table()):
        below = one.target.startswith(f"{top}/") and one.target not in volumes
        over = one.fs_type == "overlay" and any(f"dir={top}/" in option for option in one.super_options)
        if below or over:
            try:
                mount.unmount(one.target, mount.Detach.LAZY)
            except OSError as error:
                _log.debug("%s", error)
