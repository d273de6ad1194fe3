"""Whether the node takes new pods: not while it goes down."""

from __future__ import annotations

from typing import Final

from talos.cosi import controller
from talos.machinery.resources.k8s import node_cordoned_spec
from talos.machinery.resources.runtime import machine_status
from talos.machinery.types import runtime as runtime_types

_GOING_DOWN: Final = frozenset(
    {
        runtime_types.MachineStage.SHUTTING_DOWN,
        runtime_types.MachineStage.REBOOTING,
        runtime_types.MachineStage.RESETTING,
        runtime_types.MachineStage.UPGRADING,
    }
)


class NodeCordonedSpecController(controller.Controller):
    """Ask for a cordoned node while the machine shuts down, reboots, is reset or upgraded."""

    inputs = (controller.weak(machine_status.MachineStatus, id=machine_status.MACHINE_STATUS_ID),)
    outputs = (controller.exclusive(node_cordoned_spec.NodeCordonedSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the request, or let it go."""
        machine = await r.find(machine_status.MachineStatus, machine_status.MACHINE_STATUS_ID)
        if machine is not None and machine.spec.stage in _GOING_DOWN:
            await r.put(node_cordoned_spec.NodeCordonedSpec(node_cordoned_spec.NODE_CORDONED_ID))
