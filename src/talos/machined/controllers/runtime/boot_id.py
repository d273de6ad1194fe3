"""The random id of this boot."""

from __future__ import annotations

from talos.cosi import controller
from talos.linux import procfs
from talos.machinery.resources.runtime.boot_id import BOOT_ID_ID, BootID


class BootIDController(controller.Controller):
    """Read once."""

    outputs = (controller.exclusive(BootID),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One resource from one file."""
        await r.put(BootID(BOOT_ID_ID, BootID.Spec(boot_id=procfs.boot_id())))
