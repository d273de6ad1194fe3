"""Control plane or worker: the one thing nearly everybody asks of the configuration."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config import views
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.config.machine_type import MACHINE_TYPE_ID, MachineType
from talos.machinery.types.machine import MachineType as Type


class MachineTypeController(controller.Controller):
    """Publishes the machine type; `unknown` without a configuration."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(MachineType),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One value from one value."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        kind = Type.UNKNOWN if active is None else views.machine(active.documents).type
        await r.put(MachineType(MACHINE_TYPE_ID, MachineType.Spec(machine_type=kind)))
