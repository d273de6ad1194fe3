"""Resource type LVMPhysicalVolumeSpecs.storage.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class LVMPhysicalVolumeSpec(resource.Resource["LVMPhysicalVolumeSpec.Spec"]):
    """A device to become an LVM physical volume."""

    definition = resource.Definition(
        type="LVMPhysicalVolumeSpecs.storage.talos.dev",
        namespace="storage",
        print_columns=(
            resource.PrintColumn("Device", "{.device}"),
            resource.PrintColumn("VG", "{.vgName}"),
        ),
        message="talos.resource.definitions.storage.LVMPhysicalVolumeSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        device: str = ""
        vg_name: str = msgspec.field(default="", name="vgName")
