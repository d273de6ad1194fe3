"""Resource type LVMVolumeGroupSpecs.storage.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class LVMVolumeGroupSpec(resource.Resource["LVMVolumeGroupSpec.Spec"]):
    """An LVM volume group wanted."""

    definition = resource.Definition(
        type="LVMVolumeGroupSpecs.storage.talos.dev",
        namespace="storage",
        print_columns=(resource.PrintColumn("Name", "{.name}"),),
        message="talos.resource.definitions.storage.LVMVolumeGroupSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        name: str = ""
        physical_volumes: tuple[str, ...] = msgspec.field(default=(), name="physicalVolumes")
