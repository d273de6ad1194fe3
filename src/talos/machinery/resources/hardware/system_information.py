"""Resource type SystemInformations.hardware.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource

SYSTEM_INFORMATION_ID = "systeminformation"


class SystemInformation(resource.Resource["SystemInformation.Spec"]):
    """Manufacturer, product, serial number and UUID of the machine."""

    definition = resource.Definition(
        type="SystemInformations.hardware.talos.dev",
        namespace="hardware",
        aliases=("systeminformation",),
        print_columns=(
            resource.PrintColumn("Manufacturer", "{.manufacturer}"),
            resource.PrintColumn("ProductName", "{.productName}"),
            resource.PrintColumn("Version", "{.version}"),
            resource.PrintColumn("SerialNumber", "{.serialnumber}"),
            resource.PrintColumn("UUID", "{.uuid}"),
            resource.PrintColumn("WakeUpType", "{.wakeUpType}"),
            resource.PrintColumn("SKUNumber", "{.skuNumber}"),
        ),
        message="talos.resource.definitions.hardware.SystemInformationSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "manufacturer",
                "product_name",
                "version",
                "bios_version",
                "serial_number",
                "uuid",
                "wake_up_type",
                "sku_number",
            }
        )

        manufacturer: str = ""
        product_name: str = msgspec.field(default="", name="productName")
        version: str = ""
        bios_version: str = msgspec.field(default="", name="biosVersion")
        serial_number: str = msgspec.field(default="", name="serialnumber")
        uuid: str = ""
        wake_up_type: str = msgspec.field(default="", name="wakeUpType")
        sku_number: str = msgspec.field(default="", name="skuNumber")
