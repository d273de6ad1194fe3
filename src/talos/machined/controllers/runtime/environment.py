"""Environment variables for services, as the configuration asks for them."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config.documents.runtime.environment import EnvironmentConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.runtime.environment import Environment


class EnvironmentController(controller.Controller):
    """The document, else `machine.env`."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(Environment),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One resource with sorted NAME=value entries."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        variables: dict[str, str] = {}
        if active is not None:
            config = active.documents.v1alpha1
            if config is not None and config.machine is not None and config.machine.env:
                variables |= config.machine.env
            document = active.documents.one(EnvironmentConfig)
            if document is not None:
                variables |= document.variables
        entries = tuple(f"{name}={value}" for name, value in sorted(variables.items()))
        await r.put(Environment("machined", Environment.Spec(variables=entries)))
