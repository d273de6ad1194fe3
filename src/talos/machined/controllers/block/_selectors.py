"""Expressions that choose volumes and disks.

The system's own are known by their text and answered here: the boot of a node without volumes of the user loads no
expression language. All others are CEL (`talos.machinery.cel`).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from talos.base import errors
from talos.machinery.resources.block.discovered_volume import DiscoveredVolume
from talos.machinery.resources.block.disk import Disk

SYSTEM_DISK = "system_disk"
NOTHING = "false"
_LABEL = re.compile(r'volume\.partition_label == "([^"\\]*)"')


def label(name: str) -> str:
    """The expression for the partition with a label."""
    return f'volume.partition_label == "{name}"'


def _fields(spec: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in spec.__struct_fields__}


def volume_variables(volume: DiscoveredVolume, disk: Disk | None, system_disk: str) -> dict[str, Any]:
    """What an expression over a volume sees."""
    own = volume.spec.parent or volume.id
    variables = {"volume": _fields(volume.spec), "system_disk": bool(system_disk) and own == system_disk}
    variables["disk"] = _fields(disk.spec) if disk is not None else {}
    return variables


def disk_variables(disk: Disk, system_disk: str) -> dict[str, Any]:
    """What an expression over a disk sees."""
    return {"disk": _fields(disk.spec), "system_disk": bool(system_disk) and disk.id == system_disk}


def matches(expression: str, variables: Mapping[str, Any]) -> bool:
    """Evaluate. Raises Invalid for an expression that is none, or has another value than a truth."""
    if expression == SYSTEM_DISK:
        return bool(variables["system_disk"])
    if expression in ("", NOTHING):
        return False
    if (known := _LABEL.fullmatch(expression)) is not None and "volume" in variables:
        return bool(variables["volume"]["partition_label"] == known[1])
    value = importlib.import_module("talos.machinery.cel").evaluate(expression, variables)
    if not isinstance(value, bool | int) or value not in (True, False):
        raise errors.Invalid(f"expression {expression!r} gives no truth value")
    return bool(value)
