"""Resource type PCIDriverRebindConfigs.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class PCIDriverRebindConfig(resource.Resource["PCIDriverRebindConfig.Spec"]):
    """The driver a PCI device is to be bound to."""

    definition = resource.Definition(
        type="PCIDriverRebindConfigs.runtime.talos.dev",
        namespace="hardware",
        print_columns=(
            resource.PrintColumn("Name", "{.name}"),
            resource.PrintColumn("PCI ID", "{.pciID}"),
            resource.PrintColumn("TargetDriver", "{.targetDriver}"),
        ),
        message="talos.resource.definitions.hardware.PCIDriverRebindConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        pciid: str = msgspec.field(default="", name="pciID")
        target_driver: str = msgspec.field(default="", name="targetDriver")
