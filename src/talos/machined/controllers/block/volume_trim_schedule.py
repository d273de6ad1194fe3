"""When the free blocks of each volume are given back to its disk.

The moment within the interval follows from the node's id and the volume's name: it stays over restarts, and the nodes
of a cluster do not all do it at once.
"""

from __future__ import annotations

import datetime
import hashlib

from talos.base import clock
from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.resources.block.volume_status import VolumeStatus
from talos.machinery.resources.block.volume_trim_schedule import VolumeTrimSchedule
from talos.machinery.resources.cluster.identity import Identity
from talos.machinery.types.block import FilesystemType, VolumePhase, VolumeType

TRIMMABLE = frozenset({FilesystemType.XFS, FilesystemType.EXT4, FilesystemType.BTRFS})
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def next_time(now: datetime.datetime, interval: datetime.timedelta, node: str, volume: str) -> datetime.datetime:
    """The first moment after `now` that is this node's and volume's own."""
    digest = hashlib.sha256(f"{node}\0{volume}".encode()).digest()
    offset = datetime.timedelta(seconds=int.from_bytes(digest[:8], "big") % max(1, int(interval.total_seconds())))
    passed = (now - _EPOCH - offset) // interval
    return _EPOCH + offset + (passed + 1) * interval


class VolumeTrimScheduleController(controller.Controller):
    """One schedule per volume that can be trimmed and shall be."""

    inputs = (controller.weak(VolumeStatus), controller.weak(Identity, id="local"))
    outputs = (controller.exclusive(VolumeTrimSchedule),)
    modes = Mode.MACHINE

    def __init__(self, time: clock.Clock) -> None:
        self._clock = time

    async def reconcile(self, r: controller.Handle) -> None:
        """A moment that has passed is replaced by the next one."""
        identity = await r.find(Identity, "local")
        if identity is None:
            return
        now = self._clock.now()
        nearest: datetime.timedelta | None = None
        for volume in await r.list(VolumeStatus):
            spec = volume.spec
            if not _due(spec):
                continue
            known = await r.find(VolumeTrimSchedule, volume.id)
            when = next_time(now, spec.trim_interval, identity.spec.node_id, volume.id)
            planned = known.spec.next_trim if known and known.spec.interval == spec.trim_interval else None
            # It has a minute to be carried out before it is replaced.
            if planned is not None and planned + datetime.timedelta(minutes=1) > now:
                when = planned
            made = VolumeTrimSchedule.Spec(filesystem=spec.filesystem, interval=spec.trim_interval, next_trim=when)
            await r.put(VolumeTrimSchedule(volume.id, made))
            nearest = min(when - now, nearest) if nearest is not None else when - now
        if nearest is not None:
            r.wake_after(min(86400.0, max(60.0, nearest.total_seconds() + 61)))


def _due(spec: VolumeStatus.Spec) -> bool:
    return (
        spec.phase is VolumePhase.READY
        and spec.type in (VolumeType.PARTITION, VolumeType.DISK)
        and spec.trim_enabled
        and spec.trim_interval > datetime.timedelta()
        and spec.filesystem in TRIMMABLE
    )
