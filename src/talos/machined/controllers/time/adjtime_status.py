"""How the kernel's clock does, as a resource."""

from __future__ import annotations

import datetime

from talos.cosi import controller
from talos.linux import adjtime
from talos.machined.modes import Mode
from talos.machinery.resources.time.adjtime_status import ADJTIME_STATUS_ID, AdjtimeStatus

INTERVAL_S = 30.0


def spec(status: adjtime.Status) -> AdjtimeStatus.Spec:
    """The kernel's answer as a resource."""
    return AdjtimeStatus.Spec(
        offset=datetime.timedelta(seconds=status.offset_s),
        frequency_adjustment_ratio=status.frequency_ratio,
        max_error=datetime.timedelta(seconds=status.max_error_s),
        est_error=datetime.timedelta(seconds=status.est_error_s),
        status=" | ".join(f"STA_{flag}" for flag in status.flags),
        constant=status.constant,
        sync_status=status.synced,
        state=f"TIME_{status.state}",
    )


class AdjtimeStatusController(controller.Controller):
    """Asks twice a minute: the kernel announces nothing."""

    modes = Mode.MACHINE
    outputs = (controller.exclusive(AdjtimeStatus),)

    def __init__(self, clock: adjtime.Clock) -> None:
        self._clock = clock

    async def reconcile(self, r: controller.Handle) -> None:
        """One question, one resource."""
        await r.put(AdjtimeStatus(ADJTIME_STATUS_ID, spec(self._clock.status())))
        r.wake_after(INTERVAL_S)
