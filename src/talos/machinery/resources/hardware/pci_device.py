"""Resource type PCIDevices.hardware.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class PCIDevice(resource.Resource["PCIDevice.Spec"]):
    """A PCI device with its class, vendor and driver."""

    definition = resource.Definition(
        type="PCIDevices.hardware.talos.dev",
        namespace="hardware",
        aliases=(
            "devices",
            "device",
        ),
        print_columns=(
            resource.PrintColumn("Class", "{.class}"),
            resource.PrintColumn("Subclass", "{.subclass}"),
            resource.PrintColumn("Vendor", "{.vendor}"),
            resource.PrintColumn("Product", "{.product}"),
        ),
        message="talos.resource.definitions.hardware.PCIDeviceSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"class_", "subclass", "vendor", "product", "driver"})

        class_: str = msgspec.field(default="", name="class")
        subclass: str = ""
        vendor: str = ""
        product: str = ""
        class_id: str = ""
        subclass_id: str = ""
        vendor_id: str = ""
        product_id: str = ""
        driver: str = ""
