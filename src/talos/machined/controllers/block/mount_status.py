"""Everybody who asked for a volume is told that it is mounted, and where."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.resources.block.mount_status import MountStatus
from talos.machinery.resources.block.volume_mount_status import VolumeMountStatus


class MountStatusController(controller.Controller):
    """One VolumeMountStatus per request that a mount serves, under the request's id."""

    inputs = (controller.weak(MountStatus),)
    outputs = (controller.exclusive(VolumeMountStatus),)
    modes = Mode.MACHINE

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the mounts."""
        for mounted in await r.list(MountStatus):
            request = mounted.spec.spec
            for id, requester in zip(request.requester_i_ds, request.requesters, strict=False):
                spec = VolumeMountStatus.Spec(
                    volume_id=mounted.id,
                    requester=requester,
                    target=mounted.spec.target,
                    read_only=mounted.spec.read_only,
                    detached=mounted.spec.detached,
                    disable_access_time=request.disable_access_time,
                    secure=request.secure,
                    no_exec=request.no_exec,
                )
                await r.put(VolumeMountStatus(id, spec))
