"""Resource type LVMLogicalVolumeSpecs.storage.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import storage as storage_types


class LVMLogicalVolumeSpec(resource.Resource["LVMLogicalVolumeSpec.Spec"]):
    """An LVM logical volume wanted."""

    definition = resource.Definition(
        type="LVMLogicalVolumeSpecs.storage.talos.dev",
        namespace="storage",
        print_columns=(
            resource.PrintColumn("VG", "{.vgName}"),
            resource.PrintColumn("Name", "{.name}"),
            resource.PrintColumn("Type", "{.type}"),
        ),
        message="talos.resource.definitions.storage.LVMLogicalVolumeSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        vg_name: str = msgspec.field(default="", name="vgName")
        name: str = ""
        type: storage_types.LVMLogicalVolumeType = storage_types.LVMLogicalVolumeType.LINEAR
        size_bytes: int = msgspec.field(default=0, name="sizeBytes")
        size_percent_vg: int = msgspec.field(default=0, name="sizePercentVG")
        mirrors: int = 0
        stripes: int = 0
