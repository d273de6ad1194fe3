"""Resource type LVMLogicalVolumeStatuses.storage.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class LVMLogicalVolumeStatus(resource.Resource["LVMLogicalVolumeStatus.Spec"]):
    """An LVM logical volume that exists."""

    definition = resource.Definition(
        type="LVMLogicalVolumeStatuses.storage.talos.dev",
        namespace="storage",
        aliases=("lvs",),
        print_columns=(
            resource.PrintColumn("Path", "{.path}"),
            resource.PrintColumn("VG", "{.vgName}"),
            resource.PrintColumn("Layout", "{.layout}"),
            resource.PrintColumn("Size", "{.prettySize}"),
            resource.PrintColumn("Active", "{.active}"),
        ),
        message="talos.resource.definitions.storage.LVMLogicalVolumeStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"pretty_size"})

        path: str = ""
        dm_path: str = msgspec.field(default="", name="dmPath")
        name: str = ""
        full_name: str = msgspec.field(default="", name="fullName")
        vg_name: str = msgspec.field(default="", name="vgName")
        uuid: str = ""
        layout: str = ""
        role: str = ""
        permissions: str = ""
        allocation_policy: str = msgspec.field(default="", name="allocationPolicy")
        allocation_locked: str = msgspec.field(default="", name="allocationLocked")
        fixed_minor: str = msgspec.field(default="", name="fixedMinor")
        active: str = ""
        active_locally: str = msgspec.field(default="", name="activeLocally")
        active_remotely: str = msgspec.field(default="", name="activeRemotely")
        active_exclusively: str = msgspec.field(default="", name="activeExclusively")
        suspended: str = ""
        device_open: str = msgspec.field(default="", name="deviceOpen")
        skip_activation: str = msgspec.field(default="", name="skipActivation")
        merging: str = ""
        converting: str = ""
        size: str = ""
        metadata_size: str = msgspec.field(default="", name="metadataSize")
        read_ahead: str = msgspec.field(default="", name="readAhead")
        kernel_major: str = msgspec.field(default="", name="kernelMajor")
        kernel_minor: str = msgspec.field(default="", name="kernelMinor")
        origin: str = ""
        origin_size: str = msgspec.field(default="", name="originSize")
        pool_lv: str = msgspec.field(default="", name="poolLV")
        data_lv: str = msgspec.field(default="", name="dataLV")
        metadata_lv: str = msgspec.field(default="", name="metadataLV")
        move_pv: str = msgspec.field(default="", name="movePV")
        convert_lv: str = msgspec.field(default="", name="convertLV")
        when_full: str = msgspec.field(default="", name="whenFull")
        tags: tuple[str, ...] = ()
        pretty_size: str = msgspec.field(default="", name="prettySize")
