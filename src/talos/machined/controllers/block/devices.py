"""The kernel's block devices as resources; the generation grows when a device may hold something else than before."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

from talos.base import tasks
from talos.cosi import controller
from talos.linux import block, inotify, uevent
from talos.machined.modes import Mode
from talos.machinery.resources.block.block_device import BlockDevice
from talos.machinery.resources.runtime.devices_status import DEVICES_ID, DevicesStatus

DRIVERS_LOADED = Path("/run/drivers-loaded")
"""init puts it there when it has loaded the drivers of everything it saw at boot."""
SETTLE_S = 0.5
"""No announcement for so long, and what the drivers found at first is known."""
DRIVERS_S = 180.0
"""After so long the boot goes on with what is there."""
_POLL_S = 0.25


class DevicesController(controller.Controller):
    """Follows announcements, and writers that close a device: nothing announces a new file system.

    `only`: names of the devices to look at, all others do not exist for it.
    """

    outputs = (controller.exclusive(BlockDevice), controller.exclusive(DevicesStatus))
    modes = Mode.MACHINE

    def __init__(self, drivers: Path = DRIVERS_LOADED, only: frozenset[str] | None = None) -> None:
        self._drivers, self._only = drivers, only
        self._generations: dict[str, int] = {}
        self._began = self._changed = time.monotonic()
        self._settled = False

    async def run(self, r: controller.Handle) -> None:
        """Listen first, then look: nothing is missed in between."""
        owner = tasks.Owner(self.name)
        try:
            with uevent.Monitor() as monitor:
                owner.spawn(self._announced(r, monitor), "uevents")
                owner.spawn(self._written(r), "writers")
                await super().run(r)
        finally:
            await owner.close()

    async def _announced(self, r: controller.Handle, monitor: uevent.Monitor) -> None:
        async for events in monitor:
            paths = [Path(event.path) for event in events if event.subsystem == "block"]
            names = {path.name for path in paths} | {path.parent.name for path in paths if path.parent.name != "block"}
            if any(event is uevent.LOST for event in events):
                names |= set(self._generations)
            # The table of a disk is also its partitions'.
            self._touch(r, names | {n for n in self._generations if any(n.startswith(name) for name in names)})

    async def _written(self, r: controller.Handle) -> None:
        while True:
            with contextlib.suppress(OSError):
                async for names in inotify.changes(block.DEV):
                    self._touch(r, {name for name in names if name in self._generations})
            await asyncio.sleep(_POLL_S)

    def _touch(self, r: controller.Handle, names: set[str]) -> None:
        if names:
            self._changed = time.monotonic()
            for name in names:
                self._generations[name] = self._generations.get(name, 0) + 1
            r.wake()

    async def reconcile(self, r: controller.Handle) -> None:
        """All devices there are; then whether the first look is complete."""
        present = set()
        for device in block.listed():
            if self._only is not None and device.name not in self._only and device.parent not in self._only:
                continue
            present.add(device.name)
            spec = BlockDevice.Spec(
                type=device.kind,
                major=device.major,
                minor=device.minor,
                partition_name=device.partition_label,
                partition_number=device.partition,
                device_path=device.device_path,
                generation=self._generations.setdefault(device.name, 1),
                parent=device.parent,
                secondaries=device.secondaries,
            )
            await r.put(BlockDevice(device.name, spec))
        for gone in set(self._generations) - present:
            # Coming back, it is another one.
            self._generations[gone] += 1
        await r.put(DevicesStatus(DEVICES_ID, DevicesStatus.Spec(ready=self._ready(r))))

    def _ready(self, r: controller.Handle) -> bool:
        now = time.monotonic()
        if not self._settled:
            loaded = self._drivers.exists() or now - self._began > DRIVERS_S
            self._settled = loaded and now - self._changed > SETTLE_S
            if not self._settled:
                r.wake_after(_POLL_S)
        return self._settled
