"""Volumes are mounted and unmounted here, and nowhere else."""

from __future__ import annotations

import msgspec

from talos.base import errors
from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.linux import process
from talos.machined.controllers.block import _mounting
from talos.machined.modes import Mode
from talos.machinery.resources.block.mount_request import MountRequest
from talos.machinery.resources.block.mount_status import MountStatus
from talos.machinery.resources.block.volume_status import VolumeStatus
from talos.machinery.types.block import VolumePhase


class MountController(controller.Controller):
    """Parents before children on the way up, children before parents on the way down."""

    inputs = (
        controller.strong(MountRequest),
        controller.weak(VolumeStatus),
        controller.weak(MountStatus),
    )
    outputs = (controller.exclusive(MountStatus),)
    modes = Mode.MACHINE

    async def reconcile(self, r: controller.Handle) -> None:
        """Do what can be done; the first failure is raised at the end, so that the others do not wait for it."""
        requests = await r.list(MountRequest)
        failed: Exception | None = None
        done: set[str] = set()
        for request in sorted(requests, key=lambda one: (bool(one.spec.parent_mount_id), one.id)):
            known = await r.find(MountStatus, request.id)
            try:
                if request.metadata.phase is not Phase.RUNNING:
                    await self._down(r, request, known)
                elif not request.spec.parent_mount_id or request.spec.parent_mount_id in done:
                    await self._up(r, request, known)
                    done.add(request.id)
                elif known is not None:
                    await r.put(known)
            except (errors.TalosError, process.CommandFailed, OSError) as error:
                failed = failed or error
                if known is not None:
                    await r.put(known)
        if failed is not None:
            raise failed

    async def _up(self, r: controller.Handle, request: MountRequest, known: MountStatus | None) -> None:
        if known is not None:
            # How it is mounted does not change while it is; who wants it does.
            await r.put(MountStatus(request.id, msgspec.structs.replace(known.spec, spec=request.spec)))
            return
        volume = await r.find(VolumeStatus, request.id)
        if volume is None or volume.spec.phase is not VolumePhase.READY:
            return
        await r.add_finalizer(MountRequest, request.id)
        target = await _mounting.apply(volume.spec, request.spec)
        r.log.info("volume %s is mounted at %s", request.id, target or "swap")
        spec = MountStatus.Spec(
            spec=request.spec,
            source=volume.spec.mount_location,
            target=target,
            filesystem=volume.spec.filesystem,
            read_only=request.spec.read_only,
            project_quota_support=volume.spec.mount_spec.project_quota_support,
        )
        await r.put(MountStatus(request.id, spec))

    async def _down(self, r: controller.Handle, request: MountRequest, known: MountStatus | None) -> None:
        if known is not None:
            children = [one.id for one in await r.list(MountStatus) if one.spec.spec.parent_mount_id == request.id]
            if children:
                await r.put(known)
                return
            await _mounting.undo(known.spec.filesystem, known.spec.source, known.spec.target)
            r.log.info("volume %s is unmounted", request.id)
            await r.destroy(MountStatus, request.id)
        await r.remove_finalizer(MountRequest, request.id)
