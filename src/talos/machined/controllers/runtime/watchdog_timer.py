"""Arms the hardware watchdog and feeds it: a machined that hangs, or a machine that does, is restarted by it."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from talos.cosi import controller
from talos.linux import watchdog
from talos.machined.modes import Mode
from talos.machinery.resources.runtime.watchdog_timer_config import WATCHDOG_TIMER_CONFIG_ID, WatchdogTimerConfig
from talos.machinery.resources.runtime.watchdog_timer_status import WatchdogTimerStatus

MEALS = 3
"""So many times within a timeout is the watchdog fed."""


class WatchdogTimerController(controller.Controller):
    """Feeds from the event loop, so that a loop that stands still is noticed; disarms on the way out."""

    modes = Mode.MACHINE
    inputs = (controller.weak(WatchdogTimerConfig, id=WATCHDOG_TIMER_CONFIG_ID),)
    outputs = (controller.exclusive(WatchdogTimerStatus),)

    def __init__(self) -> None:
        self._open: Callable[[str], watchdog.Watchdog] = watchdog.Watchdog
        self._device: watchdog.Watchdog | None = None
        self._spec: WatchdogTimerConfig.Spec | None = None
        self._timeout_s = 0

    async def run(self, r: controller.Handle) -> None:
        """As usual; a machined that ends in order disarms."""
        try:
            await super().run(r)
        finally:
            self._disarm()

    async def reconcile(self, r: controller.Handle) -> None:
        """Arm, change or disarm; else feed."""
        found = await r.find(WatchdogTimerConfig, WATCHDOG_TIMER_CONFIG_ID)
        wanted = found.spec if found is not None else None
        if wanted != self._spec:
            self._disarm()
            if wanted is not None:
                self._arm(wanted)
        if self._device is None or wanted is None:
            return
        self._device.feed()
        interval = datetime.timedelta(seconds=self._timeout_s / MEALS)
        status = WatchdogTimerStatus.Spec(
            device=wanted.device, timeout=datetime.timedelta(seconds=self._timeout_s), feed_interval=interval
        )
        await r.put(WatchdogTimerStatus(WATCHDOG_TIMER_CONFIG_ID, status))
        r.wake_after(interval.total_seconds())

    def _arm(self, wanted: WatchdogTimerConfig.Spec) -> None:
        device = self._open(wanted.device)
        try:
            self._timeout_s = device.set_timeout(int(wanted.timeout.total_seconds()))
        except OSError:
            device.disarm()
            raise
        self._device, self._spec = device, wanted

    def _disarm(self) -> None:
        device, self._device, self._spec = self._device, None, None
        if device is not None:
            device.disarm()
