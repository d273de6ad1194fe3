"""Gives the free blocks of mounted volumes back to their disks when their time has come."""

from __future__ import annotations

import asyncio
import datetime
import errno

from talos.base import clock
from talos.cosi import controller
from talos.linux import filesystem
from talos.machined.controllers.block import _sizes
from talos.machined.modes import Mode
from talos.machinery.resources.block.mount_status import MountStatus
from talos.machinery.resources.block.volume_trim_schedule import VolumeTrimSchedule

TRIM_TIMEOUT_S = 3600.0
_NOT_SUPPORTED = frozenset({errno.EOPNOTSUPP, errno.ENOTTY})


class VolumeTrimController(controller.Controller):
    """One volume after the other; a disk that cannot be told is not asked again before the next time."""

    inputs = (controller.weak(VolumeTrimSchedule), controller.weak(MountStatus))
    modes = Mode.MACHINE

    def __init__(self, time: clock.Clock) -> None:
        self._clock = time
        self._done: dict[str, datetime.datetime] = {}

    async def reconcile(self, r: controller.Handle) -> None:
        """Trim what is due, and wake for the next."""
        now = self._clock.now()
        mounts = {mounted.id: mounted.spec for mounted in await r.list(MountStatus)}
        for schedule in await r.list(VolumeTrimSchedule):
            when = schedule.spec.next_trim
            mounted = mounts.get(schedule.id)
            if when is None or mounted is None or mounted.read_only or self._done.get(schedule.id) == when:
                continue
            if when > now:
                r.wake_after(min(86400.0, (when - now).total_seconds() + 0.1))
                continue
            self._done[schedule.id] = when
            try:
                async with asyncio.timeout(TRIM_TIMEOUT_S):
                    freed = await asyncio.to_thread(filesystem.trim, mounted.target)
            except TimeoutError:
                r.log.warning("trimming volume %s took longer than %g s", schedule.id, TRIM_TIMEOUT_S)
            except OSError as error:
                if error.errno not in _NOT_SUPPORTED:
                    raise
                r.log.info("the disk of volume %s takes no trimming", schedule.id)
            else:
                r.log.info("volume %s: %s given back to the disk", schedule.id, _sizes.pretty(freed))
