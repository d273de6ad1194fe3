"""What every disk and partition holds, found by probing."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass

from talos.base import errors
from talos.cosi import controller
from talos.linux import blkid, block, gpt
from talos.machined.controllers.block import _sizes
from talos.machined.modes import Mode
from talos.machinery.resources.block.block_device import BlockDevice
from talos.machinery.resources.block.discovered_volume import DiscoveredVolume
from talos.machinery.resources.block.discovery_refresh_request import REFRESH_ID, DiscoveryRefreshRequest
from talos.machinery.resources.block.discovery_refresh_status import DiscoveryRefreshStatus

PROBE_TIMEOUT_S = 30.0
ATTEMPTS = 4
"""A disk that does not answer holds up only what is known of itself."""
_ABSENT = frozenset({errno.ENOMEDIUM, errno.ENXIO, errno.ENOENT, errno.EIO, errno.EBUSY, errno.EACCES, errno.EPERM})


@dataclass(frozen=True, slots=True)
class Content:
    """What a device holds, and the partitions if it is a disk with a table."""

    found: blkid.Found | None
    table: gpt.Table | None = None


def look(device: block.Device) -> Content:
    """Probe one device. A disk without medium, or one that fails, holds nothing. Raises OSError for what is odd."""
    try:
        with block.opened(device.path) as fd:
            opened = blkid.open_reader(fd, device.sector_bytes)
            found = blkid.probe(opened.read, opened.size, device.sector_bytes)
            table = None
            if device.kind == "disk" and found is not None and found.name in ("gpt", "iso9660"):
                table = gpt.read(opened.read, opened.size, device.sector_bytes)
            return Content(found, table)
    except OSError as error:
        if error.errno in _ABSENT:
            return Content(None)
        raise


def describe(device: block.Device, content: Content, parent: Content | None) -> DiscoveredVolume.Spec:
    """The resource of one device; `parent` is what its disk holds."""
    found = content.found or blkid.Found("")
    entry = None
    if parent is not None and parent.table is not None:
        entry = next((part for part in parent.table.partitions if part.number == device.partition), None)
    return DiscoveredVolume.Spec(
        dev_path=device.path,
        type=device.kind,
        device_path=device.device_path,
        parent=device.parent,
        parent_dev_path=f"/dev/{device.parent}" if device.parent else "",
        offset=device.start,
        size=device.size,
        pretty_size=_sizes.pretty(device.size),
        sector_size=device.sector_bytes,
        io_size=device.io_bytes,
        name=found.name,
        uuid=found.uuid,
        label=found.label,
        block_size=found.block_size,
        filesystem_block_size=found.filesystem_block_size,
        probed_size=found.size,
        partition_uuid=str(entry.id) if entry else "",
        partition_type=str(entry.type) if entry else "",
        partition_label=entry.label if entry else device.partition_label,
        partition_index=device.partition,
    )


class DiscoveryController(controller.Controller):
    """Probes a device when its generation changes, everything when asked to."""

    inputs = (controller.weak(BlockDevice), controller.weak(DiscoveryRefreshRequest))
    outputs = (controller.exclusive(DiscoveredVolume), controller.exclusive(DiscoveryRefreshStatus))
    modes = Mode.MACHINE

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Content]] = {}
        self._asked = -1
        self._silent: dict[str, int] = {}

    async def reconcile(self, r: controller.Handle) -> None:
        """Disks first: they say what their partitions are called."""
        request = await r.find(DiscoveryRefreshRequest, REFRESH_ID)
        asked = request.spec.request if request is not None else 0
        if asked != self._asked:
            self._known.clear()
        listed = await r.list(BlockDevice)
        for one in sorted(listed, key=lambda one: (one.spec.type != "disk", one.id)):
            await self._one(r, one.id, one.spec.generation)
        self._known = {name: known for name, known in self._known.items() if name in {one.id for one in listed}}
        self._asked = asked
        await r.put(DiscoveryRefreshStatus(REFRESH_ID, DiscoveryRefreshStatus.Spec(request=asked)))

    async def _one(self, r: controller.Handle, name: str, generation: int) -> None:
        device = block.find(name)
        if device is None:
            return
        known = self._known.get(name)
        if known is None or known[0] != generation:
            try:
                async with asyncio.timeout(PROBE_TIMEOUT_S):
                    known = (generation, await asyncio.to_thread(look, device))
            except TimeoutError:
                self._silent[name] = self._silent.get(name, 0) + 1
                text = f"{device.path} did not answer within {PROBE_TIMEOUT_S:g} s"
                if self._silent[name] < ATTEMPTS:
                    # Slow is not empty: nothing counts as missing before it is tried again.
                    raise errors.Temporary(text, delay_s=1.0) from None
                r.log.warning("%s, %d times; it is left out", text, ATTEMPTS)
                known = (generation, Content(None))
            self._known[name] = known
        parent = self._known.get(device.parent)
        await r.put(DiscoveredVolume(name, describe(device, known[1], parent[1] if parent else None)))
