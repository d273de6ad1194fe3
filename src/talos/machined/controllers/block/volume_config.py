"""The volumes that are wanted, from the configuration, and the wish to have the user's own mounted."""

from __future__ import annotations

from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.machined.controllers.block import _plan
from talos.machined.modes import Mode
from talos.machinery.resources.block.volume_config import VolumeConfig
from talos.machinery.resources.block.volume_lifecycle import VOLUME_LIFECYCLE_ID, VolumeLifecycle
from talos.machinery.resources.block.volume_mount_request import VolumeMountRequest
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig

REQUESTER = "volumes"


class VolumeConfigController(controller.Controller):
    """System volumes are mounted by whoever needs them; the user's by this controller, until volumes are closed."""

    inputs = (
        controller.weak(MachineConfig, id=ACTIVE_ID),
        controller.weak(VolumeLifecycle, id=VOLUME_LIFECYCLE_ID),
    )
    outputs = (controller.shared(VolumeConfig), controller.shared(VolumeMountRequest))
    modes = Mode.MACHINE

    async def reconcile(self, r: controller.Handle) -> None:
        """One VolumeConfig per volume."""
        config = await r.find(MachineConfig, ACTIVE_ID)
        lifecycle = await r.find(VolumeLifecycle, VOLUME_LIFECYCLE_ID)
        in_use = lifecycle is not None and lifecycle.metadata.phase is Phase.RUNNING
        for wanted in _plan.plan(config.documents if config is not None else None):
            await r.put(VolumeConfig(wanted.id, wanted.spec))
            if not wanted.mounted or not in_use:
                continue
            spec = VolumeMountRequest.Spec(
                volume_id=wanted.id,
                requester=REQUESTER,
                read_only=wanted.read_only,
                disable_access_time=wanted.no_access_time,
                secure=wanted.secure,
                no_exec=wanted.no_exec,
            )
            await r.put(VolumeMountRequest(wanted.id, spec))
