"""Where machine events are sent: the document EventSinkConfig, else the kernel argument `talos.events.sink`."""

from __future__ import annotations

from talos.cosi import controller
from talos.linux import procfs
from talos.machined.modes import Mode
from talos.machinery.config.documents.runtime.event_sink import EventSinkConfig as EventSinkDocument
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.runtime.event_sink_config import EVENT_SINK_CONFIG_ID, EventSinkConfig

ARGUMENT = "talos.events.sink="


class EventsSinkConfigController(controller.Controller):
    """Publishes the endpoint; without one there is no resource."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(EventSinkConfig),)

    def __init__(self, mode: Mode) -> None:
        words = procfs.cmdline().split() if mode is not Mode.CONTAINER else []
        self._early = next((word.removeprefix(ARGUMENT) for word in words if word.startswith(ARGUMENT)), "")

    async def reconcile(self, r: controller.Handle) -> None:
        """The configuration wins."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        document = active.documents.one(EventSinkDocument) if active is not None else None
        endpoint = document.endpoint if document is not None else self._early
        if endpoint:
            await r.put(EventSinkConfig(EVENT_SINK_CONFIG_ID, EventSinkConfig.Spec(endpoint=endpoint)))
