"""Whether the clock is right. A machine sets its clock by servers or clock devices; a container has its machine's.

Nobody may wait for ever for a clock that nobody can set: a machine without reach of any source goes on after a while
if its clock could be right, that is, not before the software was made. It is set as soon as a source answers.
"""

from __future__ import annotations

import datetime
import time
from pathlib import Path

from talos.base import errors, tasks
from talos.cosi import controller
from talos.linux import adjtime
from talos.machined.controllers.network import _config
from talos.machined.controllers.time import _discipline
from talos.machined.modes import Mode
from talos.machinery.config import views
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.time_server_spec import TIME_SERVER_ID
from talos.machinery.resources.network.time_server_status import TimeServerStatus
from talos.machinery.resources.time.ntp_status import NTP_STATUS_ID, NTPStatus
from talos.machinery.resources.time.time_status import STATUS_ID, TimeStatus

PATIENCE_S = 60.0


class ContainerSyncController(controller.Controller):
    """Publishes TimeStatus `node`: synchronised, with synchronisation disabled."""

    name = "time.SyncController"
    outputs = (controller.exclusive(TimeStatus),)
    modes = Mode.CONTAINER

    async def reconcile(self, r: controller.Handle) -> None:
        """Nothing changes it."""
        await r.put(TimeStatus(STATUS_ID, TimeStatus.Spec(synced=True, sync_disabled=True)))


def software_time(path: Path = Path("/etc/os-release")) -> float:
    """When this software was made at the earliest, UNIX seconds; a clock that is behind is wrong."""
    try:
        made = path.stat().st_mtime
    except OSError:
        made = 0.0
    return max(made, datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC).timestamp())


class SyncController(controller.Controller):
    """Runs the discipline over the sources in force and tells how it goes."""

    modes = Mode.MACHINE
    inputs = (
        controller.weak(MachineConfig, id=ACTIVE_ID),
        controller.weak(TimeServerStatus, id=TIME_SERVER_ID),
    )
    outputs = (controller.exclusive(TimeStatus), controller.exclusive(NTPStatus))

    def __init__(self, clock: adjtime.Clock) -> None:
        self._clock = clock
        self._began = time.monotonic()
        self._discipline: _discipline.Discipline | None = None
        self._owner: tasks.Owner | None = None
        self._epoch = 0

    async def run(self, r: controller.Handle) -> None:
        """As usual; the discipline ends with the controller, the clock runs on as it is."""
        try:
            await super().run(r)
        finally:
            await self._stop()

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow configuration and sources."""
        config = await _config.active(r)
        wanted = views.time_sync(config)
        servers = await r.find(TimeServerStatus, TIME_SERVER_ID)
        sources = servers.spec.ntp_servers if servers is not None else ()
        if not wanted.enabled:
            await self._stop()
            await r.put(TimeStatus(STATUS_ID, TimeStatus.Spec(synced=True, epoch=self._epoch, sync_disabled=True)))
            return
        authenticated = servers is not None and servers.spec.use_nts
        settings = _discipline.Settings(() if authenticated else sources)
        if self._discipline is None or self._discipline.settings != settings:
            await self._start(r, settings)
        assert self._discipline is not None
        outcome = self._discipline.outcome
        late = self._late(r, wanted.boot_timeout) if not outcome.synced else False
        self._epoch = max(self._epoch, outcome.epoch)
        await r.put(TimeStatus(STATUS_ID, TimeStatus.Spec(synced=outcome.synced or late, epoch=self._epoch)))
        await r.put(
            NTPStatus(
                NTP_STATUS_ID,
                NTPStatus.Spec(spike_detected=outcome.spikes > 0, consecutive_spikes=outcome.spikes),
            )
        )
        if authenticated:
            raise errors.Unsupported("NTS: servers can not be asked with authentication yet; the clock is left alone")

    def _late(self, r: controller.Handle, boot_timeout: datetime.timedelta | None) -> bool:
        """Whether the wait for the first answer is over; else comes back when it is."""
        limit_s = boot_timeout.total_seconds() if boot_timeout else PATIENCE_S
        left_s = self._began + limit_s - time.monotonic()
        if left_s > 0:
            r.wake_after(left_s)
            return False
        return bool(boot_timeout) or self._clock.now() >= software_time()

    async def _start(self, r: controller.Handle, settings: _discipline.Settings) -> None:
        known = self._discipline.outcome if self._discipline is not None else None
        await self._stop()
        made = self._discipline = _discipline.Discipline(settings, self._clock, r.wake, r.log)
        if known is not None:
            made.outcome = known
        self._owner = tasks.Owner("clock", r.log)
        if settings.sources:
            self._owner.spawn(made.run(), "discipline")

    async def _stop(self) -> None:
        owner, self._owner, self._discipline = self._owner, None, None
        if owner is not None:
            await owner.close()
