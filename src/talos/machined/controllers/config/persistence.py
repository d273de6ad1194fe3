"""The persistent configuration goes to STATE."""

from __future__ import annotations

from talos.base.constants import partitions
from talos.cosi import controller
from talos.machined import configuration
from talos.machinery.resources.block.mount_status import MountStatus
from talos.machinery.resources.config.machine_config import PERSISTENT_ID, MachineConfig


class PersistenceController(controller.Controller):
    """Writes the configuration atomically, and only when it differs from what is there."""

    # A STATE that is mounted later has to be written to, too.
    inputs = (
        controller.weak(MachineConfig, id=PERSISTENT_ID),
        controller.weak(MountStatus, id=partitions.STATE),
    )

    def __init__(self, current: configuration.Configuration) -> None:
        self._file = current.file

    async def reconcile(self, r: controller.Handle) -> None:
        """One file, and its copy, from one resource."""
        wanted = await r.find(MachineConfig, PERSISTENT_ID)
        if wanted is not None and not self._file.holds(wanted.spec.source):
            self._file.write(wanted.spec.source)
