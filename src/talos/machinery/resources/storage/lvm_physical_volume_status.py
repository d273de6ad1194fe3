"""Resource type LVMPhysicalVolumeStatuses.storage.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class LVMPhysicalVolumeStatus(resource.Resource["LVMPhysicalVolumeStatus.Spec"]):
    """An LVM physical volume that exists."""

    definition = resource.Definition(
        type="LVMPhysicalVolumeStatuses.storage.talos.dev",
        namespace="storage",
        aliases=("pvs",),
        print_columns=(
            resource.PrintColumn("Device", "{.device}"),
            resource.PrintColumn("VG", "{.vgName}"),
            resource.PrintColumn("Size", "{.prettySize}"),
            resource.PrintColumn("Free", "{.prettyFree}"),
            resource.PrintColumn("Allocatable", "{.allocatable}"),
        ),
        message="talos.resource.definitions.storage.LVMPhysicalVolumeStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"pretty_size", "pretty_device_size", "pretty_free"})

        device: str = ""
        vg_name: str = msgspec.field(default="", name="vgName")
        uuid: str = ""
        format: str = ""
        allocatable: str = ""
        exported: str = ""
        missing: str = ""
        in_use: str = msgspec.field(default="", name="inUse")
        size: str = ""
        device_size: str = msgspec.field(default="", name="deviceSize")
        free: str = ""
        used: str = ""
        pe_count: str = msgspec.field(default="", name="peCount")
        pe_alloc_count: str = msgspec.field(default="", name="peAllocCount")
        major: str = ""
        minor: str = ""
        tags: tuple[str, ...] = ()
        pretty_size: str = msgspec.field(default="", name="prettySize")
        pretty_device_size: str = msgspec.field(default="", name="prettyDeviceSize")
        pretty_free: str = msgspec.field(default="", name="prettyFree")
