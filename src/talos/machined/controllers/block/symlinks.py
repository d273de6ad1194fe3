"""Names of disks that stay when the order of the disks changes: /dev/disk/by-id, by-path, by-diskseq.

There is no udev here, so the names are made from sysfs, in the forms people know from there.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from talos.cosi import controller
from talos.linux import block
from talos.machined.modes import Mode
from talos.machinery.resources.block.block_device import BlockDevice
from talos.machinery.resources.block.block_symlink import BlockSymlink
from talos.machinery.resources.block.discovered_volume import DiscoveredVolume

_ODD = re.compile(r"[^A-Za-z0-9#+.:=@_-]+")


def _plain(text: str) -> str:
    return _ODD.sub("_", text.strip())


def names(disk: block.Device, details: block.Details, volume: DiscoveredVolume.Spec) -> list[str]:
    """Links to one device, `disk` being itself or the disk it is on."""
    part = f"-part{volume.partition_index}" if volume.partition_index else ""
    found = []
    if details.serial:
        bus = {"virtio": "virtio", "nvme": "nvme", "sata": "ata", "usb": "usb", "mmc": "mmc"}.get(details.transport)
        text = details.serial if bus == "virtio" else f"{details.model}_{details.serial}"
        found.append(f"by-id/{bus or 'scsi'}-{_plain(text)}{part}")
    if details.wwid:
        found.append(f"by-id/wwn-{_plain(details.wwid)}{part}")
    if volume.partition_label:
        found.append(f"by-partlabel/{_plain(volume.partition_label)}")
    if volume.partition_uuid:
        found.append(f"by-partuuid/{volume.partition_uuid}")
    if volume.uuid and volume.name not in ("gpt", "dos"):
        found.append(f"by-uuid/{_plain(volume.uuid)}")
    if volume.label:
        found.append(f"by-label/{_plain(volume.label)}")
    return [f"/dev/disk/{name}" for name in found]


class SymlinksController(controller.Controller):
    """Makes the links, and removes those of what is gone. A name two devices have is nobody's."""

    inputs = (controller.weak(BlockDevice), controller.weak(DiscoveredVolume))
    outputs = (controller.exclusive(BlockSymlink),)
    modes = Mode.MACHINE

    def __init__(self) -> None:
        self._made: dict[str, str] = {}

    async def reconcile(self, r: controller.Handle) -> None:
        """Names first, then the difference to what was made."""
        wanted: dict[str, str | None] = {}
        for volume in await r.list(DiscoveredVolume):
            device = block.find(volume.id)
            disk = block.find(device.parent) if device is not None and device.parent else device
            if device is None or disk is None or disk.name.startswith("loop"):
                continue
            for name in names(disk, block.details(disk), volume.spec):
                wanted[name] = None if name in wanted else device.name
        links = {name: target for name, target in wanted.items() if target is not None}
        for name in set(self._made) - set(links):
            Path(name).unlink(missing_ok=True)
        for name, target in links.items():
            if self._made.get(name) != target:
                _link(Path(name), target)
        self._made = links
        for owner in sorted(set(links.values())):
            paths = tuple(sorted(name for name, target in links.items() if target == owner))
            await r.put(BlockSymlink(owner, BlockSymlink.Spec(paths=paths)))


def _link(path: Path, device: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        scratch.unlink()
    scratch.symlink_to(f"../../{device}")
    scratch.replace(path)
