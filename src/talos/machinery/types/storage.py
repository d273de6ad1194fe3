"""Enumerations of the storage domain; texts as in YAML, numbers as in protos/api."""

from __future__ import annotations

from talos.machinery.types import wire


class LVMLogicalVolumeType(wire.WireEnum):
    """Layout of an LVM logical volume."""

    LINEAR = "linear", 0
    RAID1 = "raid1", 1
    RAID0 = "raid0", 2
    RAID10 = "raid10", 3


class MDArrayPhase(wire.WireEnum):
    """State of a RAID array."""

    UNKNOWN = "unknown", 0
    WAITING = "waiting", 1
    REBUILDING = "rebuilding", 2
    READY = "ready", 3
    ERROR = "error", 4


class MDLevel(wire.WireEnum):
    """Level of a RAID array."""

    RAID1 = "raid1", 0


class MDMetadata(wire.WireEnum):
    """Metadata version of a RAID array."""

    MD_METADATA10 = "1.0", 0
    MD_METADATA12 = "1.2", 1
