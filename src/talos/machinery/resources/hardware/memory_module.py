"""Resource type MemoryModules.hardware.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class MemoryModule(resource.Resource["MemoryModule.Spec"]):
    """A memory module as the firmware describes it."""

    definition = resource.Definition(
        type="MemoryModules.hardware.talos.dev",
        namespace="hardware",
        aliases=(
            "memorymodules",
            "ram",
        ),
        print_columns=(
            resource.PrintColumn("Manufacturer", "{.manufacturer}"),
            resource.PrintColumn("Model", "{.productName}"),
            resource.PrintColumn("SizeMiB", "{.sizeMiB}"),
        ),
        message="talos.resource.definitions.hardware.MemoryModuleSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "size",
                "device_locator",
                "bank_locator",
                "speed",
                "manufacturer",
                "serial_number",
                "asset_tag",
                "product_name",
            }
        )

        size: int = msgspec.field(default=0, name="sizeMiB")
        device_locator: str = msgspec.field(default="", name="deviceLocator")
        bank_locator: str = msgspec.field(default="", name="bankLocator")
        speed: int = 0
        manufacturer: str = ""
        serial_number: str = msgspec.field(default="", name="serialNumber")
        asset_tag: str = msgspec.field(default="", name="assetTag")
        product_name: str = msgspec.field(default="", name="productName")
