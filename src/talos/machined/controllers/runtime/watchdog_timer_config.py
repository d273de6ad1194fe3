"""The hardware watchdog the configuration asks for."""

from __future__ import annotations

import datetime

from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.config.documents.runtime.watchdog_timer import WatchdogTimerConfig as WatchdogDocument
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.runtime.watchdog_timer_config import WATCHDOG_TIMER_CONFIG_ID, WatchdogTimerConfig

DEFAULT_TIMEOUT = datetime.timedelta(minutes=1)


class WatchdogTimerConfigController(controller.Controller):
    """One resource from one document."""

    modes = Mode.MACHINE
    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(WatchdogTimerConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the document."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        document = active.documents.one(WatchdogDocument) if active is not None else None
        if document is not None:
            spec = WatchdogTimerConfig.Spec(device=document.device, timeout=document.timeout or DEFAULT_TIMEOUT)
            await r.put(WatchdogTimerConfig(WATCHDOG_TIMER_CONFIG_ID, spec))
