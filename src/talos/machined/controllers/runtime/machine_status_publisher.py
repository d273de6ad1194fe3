"""Changes of the machine's status as events."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined import events
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.resources.runtime.machine_status import MACHINE_STATUS_ID, MachineStatus


class MachineStatusPublisherController(controller.Controller):
    """One event for each change."""

    inputs = (controller.weak(MachineStatus, id=MACHINE_STATUS_ID),)

    def __init__(self, bus: events.EventBus) -> None:
        self._bus = bus
        self._last: MachineStatus.Spec | None = None

    async def reconcile(self, r: controller.Handle) -> None:
        """Publish what differs from the last event."""
        found = await r.find(MachineStatus, MACHINE_STATUS_ID)
        if found is None or found.spec == self._last:
            return
        self._last = found.spec
        message = machine_pb2.MachineStatusEvent(stage=found.spec.stage.number)  # type: ignore[arg-type]
        message.status.ready = found.spec.status.ready
        for condition in found.spec.status.unmet_conditions:
            message.status.unmet_conditions.add(name=condition.name, reason=condition.reason)
        self._bus.publish(message)
