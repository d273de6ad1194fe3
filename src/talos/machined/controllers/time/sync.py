"""Whether the clock is right. A container has the clock of its machine: it counts as synchronised from the start."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.resources.time.time_status import STATUS_ID, TimeStatus


class ContainerSyncController(controller.Controller):
    """Publishes TimeStatus `node`: synchronised, with synchronisation disabled."""

    name = "time.SyncController"
    outputs = (controller.exclusive(TimeStatus),)
    modes = Mode.CONTAINER

    async def reconcile(self, r: controller.Handle) -> None:
        """Nothing changes it."""
        await r.put(TimeStatus(STATUS_ID, TimeStatus.Spec(synced=True, sync_disabled=True)))
