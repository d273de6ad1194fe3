"""Resource type PCIDriverRebindStatuses.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class PCIDriverRebindStatus(resource.Resource["PCIDriverRebindStatus.Spec"]):
    """The driver a PCI device was bound to."""

    definition = resource.Definition(
        type="PCIDriverRebindStatuses.runtime.talos.dev",
        namespace="hardware",
        aliases=("pcidriverrebinds",),
        print_columns=(
            resource.PrintColumn("Name", "{.name}"),
            resource.PrintColumn("PCI ID", "{.pciID}"),
            resource.PrintColumn("TargetDriver", "{.targetDriver}"),
        ),
        message="talos.resource.definitions.hardware.PCIDriverRebindStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        pciid: str = msgspec.field(default="", name="pciID")
        target_driver: str = msgspec.field(default="", name="targetDriver")
