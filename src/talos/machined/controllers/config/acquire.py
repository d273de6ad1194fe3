"""Where the machine configuration comes from.

    STATE → embedded in the image → talos.config.early → platform → talos.config.inline → a person (maintenance mode)

A source may give a part only: documents without the v1alpha1 one. Parts are merged in this order and put in force at
once, so that they can, say, set up the network the platform is then asked over; the first source that makes the whole
complete is the last one asked.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from talos import platforms
from talos.base import errors
from talos.cosi import controller, state
from talos.linux import procfs
from talos.machined import configuration, events
from talos.machined.controllers.config import _facts, _sources
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.config import container, loader
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.runtime.maintenance_service_request import (
    MAINTENANCE_SERVICE_REQUEST_ID,
    MaintenanceServiceRequest,
)
from talos.machinery.resources.v1alpha1.acquire_config_spec import AcquireConfigSpec
from talos.machinery.resources.v1alpha1.acquire_config_status import AcquireConfigStatus

_log = logging.getLogger("config")
_STATE = "STATE"
Source = tuple[str, Callable[[], Awaitable[bytes | None]]]


class AcquireController(controller.Controller):
    """Loads the configuration when asked to, and asks for a person when there is none.

    A source that does not load or makes no sense is reported as an event and passed over. What is in STATE was checked
    when it came there.
    """

    inputs = (controller.weak(AcquireConfigSpec), controller.weak(MachineConfig, id=ACTIVE_ID))
    outputs = (controller.exclusive(AcquireConfigStatus), controller.exclusive(MaintenanceServiceRequest))

    def __init__(
        self,
        current: configuration.Configuration,
        platform: platforms.Platform,
        bus: events.EventBus,
        store: state.State,
        root: Path = Path("/"),
    ) -> None:
        self._current, self._platform, self._bus = current, platform, bus
        self._facts = _facts.Facts(store)
        self._embedded, self._proc = root / _sources.EMBEDDED, root / "proc"
        self._looked = False

    async def reconcile(self, r: controller.Handle) -> None:
        """Look once; afterwards wait for somebody to apply one."""
        asked = await r.list(AcquireConfigSpec)
        if not asked:
            return
        if not self._looked:
            await self._look()
            self._looked = True
        active = await r.find(MachineConfig, ACTIVE_ID)
        self._current.wanted = active is None or active.documents.v1alpha1 is None
        if self._current.wanted:
            await r.put(MaintenanceServiceRequest(MAINTENANCE_SERVICE_REQUEST_ID))
            return
        for spec in asked:
            await r.put(AcquireConfigStatus(spec.metadata.id))

    def _sources(self) -> list[Source]:
        given: list[Source] = [(_STATE, self._from_state), ("embedded", self._from_image)]
        platform: Source = (f"platform {self._platform.name}", self._from_platform)
        if self._platform.mode == "container":
            # The kernel and its arguments are another machine's.
            return [*given, platform]
        return [
            *given,
            (f"cmdline {_sources.EARLY}", self._from_early),
            platform,
            (f"cmdline {_sources.INLINE}", self._from_inline),
        ]

    async def _look(self) -> None:
        """Ask the sources in order until what they gave is complete."""
        if await self._go_on():
            return
        merged: container.Container | None = None
        for name, read in self._sources():
            found = await self._read(name, read)
            if found is None:
                continue
            together = found if merged is None else self._merge(name, merged, found)
            if together is None or (name != _STATE and not self._makes_sense(name, together)):
                continue
            merged = together
            _log.info("%s machine configuration from %s", "complete" if merged.v1alpha1 else "part of a", name)
            await self._current.activate(merged.encode())
            if merged.v1alpha1 is not None:
                await self._current.persist(merged.encode())
                return

    async def _go_on(self) -> bool:
        """Take up what an earlier machined of this boot had in force; what is on disk stays for the next boot."""
        noted, stored = self._current.file.noted(), self._current.file.read()
        if noted is None or stored is None:
            return False
        try:
            if loader.load(noted, name="running").v1alpha1 is None:
                return False
        except errors.Invalid:
            return False
        _log.info("machine configuration of before machined was started again")
        await self._current.activate(noted)
        await self._current.persist(stored.source)
        return True

    async def _read(self, name: str, read: Callable[[], Awaitable[bytes | None]]) -> container.Container | None:
        try:
            source = await read()
            return loader.load(source, name=name) if source and source.strip() else None
        except (errors.TalosError, OSError) as error:
            self._tell(machine_pb2.ConfigLoadErrorEvent(error=f"{name}: {error}"))
            return None

    def _merge(self, name: str, old: container.Container, new: container.Container) -> container.Container | None:
        from talos.machinery.config import patcher

        try:
            return loader.load(patcher.patch(old, [new.encode()]).encode(), name="merged configuration")
        except errors.Invalid as error:
            self._tell(machine_pb2.ConfigLoadErrorEvent(error=f"{name}: {error}"))
            return None

    def _makes_sense(self, name: str, loaded: container.Container) -> bool:
        try:
            configuration.check(loaded, self._platform.mode)
        except errors.Invalid as error:
            self._tell(machine_pb2.ConfigValidationErrorEvent(error=f"{name}: {error}"))
            return False
        return True

    def _tell(self, event: machine_pb2.ConfigLoadErrorEvent | machine_pb2.ConfigValidationErrorEvent) -> None:
        _log.warning("%s", event.error)
        self._bus.publish(event)

    async def _from_state(self) -> bytes | None:
        found = self._current.file.read()
        if found is None:
            return None
        if found.damage:
            text = f"{_STATE}: {found.damage}; the last good copy is used instead"
            self._tell(machine_pb2.ConfigLoadErrorEvent(error=text))
        return found.source

    async def _from_platform(self) -> bytes | None:
        return await self._platform.configuration(self._facts)

    async def _from_image(self) -> bytes | None:
        return _sources.embedded(self._embedded)

    async def _from_early(self) -> bytes | None:
        return _sources.from_cmdline(procfs.cmdline(self._proc), _sources.EARLY)

    async def _from_inline(self) -> bytes | None:
        return _sources.from_cmdline(procfs.cmdline(self._proc), _sources.INLINE)
