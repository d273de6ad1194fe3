"""Where the machine configuration comes from: STATE first, then the platform, then a person (maintenance mode)."""

from __future__ import annotations

from talos import platforms
from talos.base import errors
from talos.cosi import controller
from talos.machined import configuration, events
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.config import container, loader
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.runtime.maintenance_service_request import (
    MAINTENANCE_SERVICE_REQUEST_ID,
    MaintenanceServiceRequest,
)
from talos.machinery.resources.v1alpha1.acquire_config_spec import AcquireConfigSpec
from talos.machinery.resources.v1alpha1.acquire_config_status import AcquireConfigStatus

_STATE = "STATE"


class AcquireController(controller.Controller):
    """Loads the configuration when asked to, and asks for a person when there is none.

    A configuration found in STATE or on the platform is put in force and persisted; one that does not load is reported
    as an event and the next source is tried.
    """

    inputs = (controller.weak(AcquireConfigSpec), controller.weak(MachineConfig, id=ACTIVE_ID))
    outputs = (controller.exclusive(AcquireConfigStatus), controller.exclusive(MaintenanceServiceRequest))

    def __init__(
        self, current: configuration.Configuration, platform: platforms.Platform, bus: events.EventBus
    ) -> None:
        self._current, self._platform, self._bus = current, platform, bus
        self._looked = False

    async def reconcile(self, r: controller.Handle) -> None:
        """Look once; afterwards wait for somebody to apply one."""
        asked = await r.list(AcquireConfigSpec)
        if not asked:
            return
        found = await r.find(MachineConfig, ACTIVE_ID) is not None
        if not found and not self._looked:
            found = await self._look()
            self._looked = True
        if not found:
            await r.put(MaintenanceServiceRequest(MAINTENANCE_SERVICE_REQUEST_ID))
            return
        for spec in asked:
            await r.put(AcquireConfigStatus(spec.metadata.id))

    async def _look(self) -> bool:
        """Try the sources in order until one gives a configuration."""
        for name, read in (
            ("STATE", self._from_state),
            (f"platform {self._platform.name}", self._platform.configuration),
        ):
            try:
                source = await read()
                if not source:
                    continue
                loaded = loader.load(source, name=name)
            except (errors.Invalid, OSError) as error:
                self._bus.publish(machine_pb2.ConfigLoadErrorEvent(error=f"{name}: {error}"))
                continue
            if name != _STATE and not self._valid(name, loaded):
                continue
            await self._current.activate(source)
            await self._current.persist(source)
            return True
        return False

    def _valid(self, name: str, loaded: container.Container) -> bool:
        """Tell whether a configuration makes sense here; what is in STATE was checked when it came there."""
        from talos.machinery.config import validation

        try:
            validation.validate(loaded, validation.Mode(self._platform.mode))
        except errors.Invalid as error:
            self._bus.publish(machine_pb2.ConfigValidationErrorEvent(error=f"{name}: {error}"))
            return False
        return True

    async def _from_state(self) -> bytes | None:
        return configuration.read()
