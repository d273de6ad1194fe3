"""Expressions that choose volumes and disks.

The system's own are known by their text and answered here: the boot of a node without volumes of the user loads no
expression language. All others are CEL (`talos.machinery.cel`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from talos.machinery.resources.block.discovered_volume import DiscoveredVolume
from talos.machinery.resources.block.disk import Disk

SYSTEM_DISK = "system_disk"
_LABEL = re.compile(r'volume\.partition_label == "([^"\\]*)"( && volume\.name != "")?')


def label(name: str, *, filled: bool = False) -> str:
    """The expression for the partition with a label; `filled`: only if something is in it."""
    return f'volume.partition_label == "{name}"' + (' && volume.name != ""' if filled else "")


@dataclass(frozen=True, slots=True)
class Subject:
    """What an expression is about: a disk, or a volume on a disk."""

    disk: Disk.Spec
    system_disk: bool
    volume: DiscoveredVolume.Spec | None = None

    def matches(self, expression: str) -> bool:
        """Evaluate. No expression matches nothing. Raises Invalid, EvaluationError."""
        if not expression:
            return False
        if expression == SYSTEM_DISK:
            return self.system_disk
        known = _LABEL.fullmatch(expression)
        if known is not None and self.volume is not None:
            return self.volume.partition_label == known[1] and not (known[2] and not self.volume.name)
        from talos.machinery import cel

        variables: dict[str, object] = {"disk": self.disk, "system_disk": self.system_disk}
        if self.volume is None:
            return cel.matches(expression, "disk", variables)
        return cel.matches(expression, "volume", {**variables, "volume": self.volume})


def volume(found: DiscoveredVolume, disk: Disk | None, system_disk: str) -> Subject:
    """The subject for a volume."""
    own = found.spec.parent or found.id
    is_system = bool(system_disk) and own == system_disk
    return Subject(disk.spec if disk is not None else Disk.Spec(), is_system, found.spec)


def disk(found: Disk, system_disk: str) -> Subject:
    """The subject for a disk."""
    return Subject(found.spec, bool(system_disk) and found.id == system_disk)
