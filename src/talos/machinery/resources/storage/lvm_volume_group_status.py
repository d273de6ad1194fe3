"""Resource type LVMVolumeGroupStatuses.storage.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class LVMVolumeGroupStatus(resource.Resource["LVMVolumeGroupStatus.Spec"]):
    """An LVM volume group that exists."""

    definition = resource.Definition(
        type="LVMVolumeGroupStatuses.storage.talos.dev",
        namespace="storage",
        aliases=("vgs",),
        print_columns=(
            resource.PrintColumn("Name", "{.name}"),
            resource.PrintColumn("Permissions", "{.permissions}"),
            resource.PrintColumn("Size", "{.prettySize}"),
            resource.PrintColumn("Free", "{.prettyFree}"),
            resource.PrintColumn("PVs", "{.pvCount}"),
            resource.PrintColumn("LVs", "{.lvCount}"),
        ),
        message="talos.resource.definitions.storage.LVMVolumeGroupStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"pretty_size", "pretty_free"})

        name: str = ""
        uuid: str = ""
        format: str = ""
        permissions: str = ""
        extendable: str = ""
        exported: str = ""
        partial: str = ""
        allocation_policy: str = msgspec.field(default="", name="allocationPolicy")
        clustered: str = ""
        shared: str = ""
        size: str = ""
        free: str = ""
        extent_size: str = msgspec.field(default="", name="extentSize")
        extent_count: str = msgspec.field(default="", name="extentCount")
        free_extent_count: str = msgspec.field(default="", name="freeExtentCount")
        max_lv: str = msgspec.field(default="", name="maxLV")
        max_pv: str = msgspec.field(default="", name="maxPV")
        lv_count: str = msgspec.field(default="", name="lvCount")
        pv_count: str = msgspec.field(default="", name="pvCount")
        snap_count: str = msgspec.field(default="", name="snapCount")
        missing_pv_count: str = msgspec.field(default="", name="missingPVCount")
        seq_no: str = msgspec.field(default="", name="seqNo")
        lock_type: str = msgspec.field(default="", name="lockType")
        system_id: str = msgspec.field(default="", name="systemID")
        tags: tuple[str, ...] = ()
        pretty_size: str = msgspec.field(default="", name="prettySize")
        pretty_free: str = msgspec.field(default="", name="prettyFree")
