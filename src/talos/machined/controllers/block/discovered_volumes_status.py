"""Whether everything that was there at boot has been probed: before, nothing that is missing counts as missing."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.resources.block.discovered_volumes_status import (
    DISCOVERED_VOLUMES_STATUS_ID,
    DiscoveredVolumesStatus,
)
from talos.machinery.resources.block.discovery_refresh_request import REFRESH_ID, DiscoveryRefreshRequest
from talos.machinery.resources.block.discovery_refresh_status import DiscoveryRefreshStatus
from talos.machinery.resources.runtime.devices_status import DEVICES_ID, DevicesStatus


class DiscoveredVolumesStatusController(controller.Controller):
    """Asks for a probe of everything once the devices are known, and says when it is done."""

    inputs = (
        controller.weak(DevicesStatus, id=DEVICES_ID),
        controller.weak(DiscoveryRefreshStatus, id=REFRESH_ID),
    )
    outputs = (controller.exclusive(DiscoveredVolumesStatus), controller.exclusive(DiscoveryRefreshRequest))
    modes = Mode.MACHINE

    async def reconcile(self, r: controller.Handle) -> None:
        """Ready is said once and stays."""
        devices = await r.find(DevicesStatus, DEVICES_ID)
        if devices is None or not devices.spec.ready:
            return
        await r.put(DiscoveryRefreshRequest(REFRESH_ID, DiscoveryRefreshRequest.Spec(request=1)))
        status = await r.find(DiscoveryRefreshStatus, REFRESH_ID)
        ready = status is not None and status.spec.request >= 1
        spec = DiscoveredVolumesStatus.Spec(ready=ready)
        await r.put(DiscoveredVolumesStatus(DISCOVERED_VOLUMES_STATUS_ID, spec))
