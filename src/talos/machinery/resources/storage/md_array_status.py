"""Resource type MDArrayStatuses.storage.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import storage as storage_types


class MDArrayStatus(resource.Resource["MDArrayStatus.Spec"]):
    """A RAID array that exists."""

    definition = resource.Definition(
        type="MDArrayStatuses.storage.talos.dev",
        namespace="storage",
        print_columns=(
            resource.PrintColumn("Level", "{.level}"),
            resource.PrintColumn("Status", "{.status}"),
            resource.PrintColumn("Sync", "{.syncAction}"),
            resource.PrintColumn("Device", "{.device}"),
        ),
        message="talos.resource.definitions.storage.MDArrayStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {"error", "uuid", "name", "metadata", "array_state", "sync_action"}
        )

        level: storage_types.MDLevel = storage_types.MDLevel.RAID1
        device: str = ""
        members: tuple[str, ...] = ()
        error: str = ""
        status: storage_types.MDArrayPhase = storage_types.MDArrayPhase.UNKNOWN
        raid_devices: int = msgspec.field(default=0, name="raidDevices")
        uuid: str = ""
        name: str = ""
        metadata: str = ""
        array_state: str = msgspec.field(default="", name="arrayState")
        sync_action: str = msgspec.field(default="", name="syncAction")
