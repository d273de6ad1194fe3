"""Wishes of many for one volume, merged into one: it is mounted while anybody wants it."""

from __future__ import annotations

from collections.abc import Sequence

from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.machined.modes import Mode
from talos.machinery.resources.block.mount_request import MountRequest
from talos.machinery.resources.block.volume_mount_request import VolumeMountRequest
from talos.machinery.resources.block.volume_status import VolumeStatus
from talos.machinery.types.block import VolumePhase


def merge(volume: VolumeStatus, wishes: Sequence[VolumeMountRequest]) -> MountRequest.Spec:
    """One request: writable if anybody writes, and as strict as all ask for."""
    mount = volume.spec.mount_spec
    return MountRequest.Spec(
        volume_id=volume.id,
        parent_mount_id=mount.parent_id,
        read_only=all(wish.spec.read_only for wish in wishes),
        detached=all(wish.spec.detached for wish in wishes),
        disable_access_time=all(wish.spec.disable_access_time for wish in wishes),
        secure=mount.secure or all(wish.spec.secure for wish in wishes),
        no_exec=mount.no_exec or all(wish.spec.no_exec for wish in wishes),
        requesters=tuple(wish.spec.requester for wish in wishes),
        requester_i_ds=tuple(wish.id for wish in wishes),
    )


class MountRequestController(controller.Controller):
    """One MountRequest for each volume that is ready and wanted."""

    inputs = (
        controller.weak(VolumeMountRequest),
        controller.weak(VolumeStatus),
        controller.destroy_ready(MountRequest),
    )
    outputs = (controller.exclusive(MountRequest),)
    modes = Mode.MACHINE

    async def reconcile(self, r: controller.Handle) -> None:
        """A volume that is no longer ready stays mounted until nobody wants it."""
        wishes: dict[str, list[VolumeMountRequest]] = {}
        for wish in await r.list(VolumeMountRequest):
            if wish.metadata.phase is Phase.RUNNING:
                wishes.setdefault(wish.spec.volume_id, []).append(wish)
        for id, wanted in wishes.items():
            volume = await r.find(VolumeStatus, id)
            known = await r.find(MountRequest, id)
            if volume is not None and volume.spec.phase is VolumePhase.READY:
                if known is None or known.metadata.phase is Phase.RUNNING:
                    await r.put(MountRequest(id, merge(volume, wanted)))
            elif known is not None and known.metadata.phase is Phase.RUNNING:
                await r.put(known)
