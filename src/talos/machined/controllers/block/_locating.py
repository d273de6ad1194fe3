"""Finding the device of a volume among what is there: pure, tested as a table.

one match        that one
no match         none: it may be made, if the configuration says where
several matches  an error: none of them is touched
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from talos.base import errors
from talos.machined.controllers.block import _selectors
from talos.machinery.resources.block import volume_config
from talos.machinery.resources.block.discovered_volume import DiscoveredVolume
from talos.machinery.resources.block.disk import Disk
from talos.machinery.types.block import VolumeType

Spec = volume_config.VolumeConfig.Spec


@dataclass(frozen=True)
class View:
    """What is there; `complete` when everything present at boot has been probed."""

    volumes: Sequence[DiscoveredVolume]
    disks: Sequence[Disk]
    system_disk: str
    complete: bool

    def disk(self, name: str) -> Disk | None:
        """A disk by its name."""
        return next((disk for disk in self.disks if disk.id == name), None)

    def volume(self, name: str) -> DiscoveredVolume | None:
        """What is on a device."""
        return next((volume for volume in self.volumes if volume.id == name), None)


def _one(id: str, found: list[str]) -> str | None:
    if len(found) > 1:
        raise errors.Conflict(f"volume {id}: {', '.join(sorted(found))} match, and nothing says which is meant")
    return found[0] if found else None


def locate(id: str, spec: Spec, view: View) -> DiscoveredVolume | None:
    """The device of a volume. Raises Conflict for several, Invalid for an expression that is wrong."""
    if spec.type is VolumeType.DISK:
        # A whole disk is never the system's, whatever an expression says.
        others = [disk for disk in view.disks if disk.id != view.system_disk]
        found = [disk.id for disk in others if _usable(disk, spec.locator.disk_match, view)]
    else:
        found = [volume.id for volume in view.volumes if _matches(volume, spec, view)]
    name = _one(id, found)
    return view.volume(name) if name is not None else None


def _matches(volume: DiscoveredVolume, spec: Spec, view: View) -> bool:
    subject = _selectors.volume(volume, view.disk(volume.spec.parent or volume.id), view.system_disk)
    locator = spec.locator
    return subject.matches(locator.match) and (not locator.disk_match or subject.matches(locator.disk_match))


def _usable(disk: Disk, expression: str, view: View) -> bool:
    if disk.spec.cdrom or disk.spec.readonly or not disk.spec.size:
        return False
    return _selectors.disk(disk, view.system_disk).matches(expression)


def places(id: str, spec: Spec, view: View, *, system: bool) -> list[Disk]:
    """Disks a partition may be made on, by name. Raises Conflict for a system volume that has several, Invalid."""
    expression = spec.provisioning.disk_selector.match
    found = [disk for disk in view.disks if _usable(disk, expression, view)]
    if system:
        _one(id, [disk.id for disk in found])
    return sorted(found, key=lambda disk: disk.id)
