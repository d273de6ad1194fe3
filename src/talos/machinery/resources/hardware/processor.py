"""Resource type Processors.hardware.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class Processor(resource.Resource["Processor.Spec"]):
    """A processor as the firmware describes it."""

    definition = resource.Definition(
        type="Processors.hardware.talos.dev",
        namespace="hardware",
        aliases=(
            "cpus",
            "cpu",
        ),
        print_columns=(
            resource.PrintColumn("Manufacturer", "{.manufacturer}"),
            resource.PrintColumn("Model", "{.productName}"),
            resource.PrintColumn("Cores", "{.coreCount}"),
            resource.PrintColumn("Threads", "{.threadCount}"),
        ),
        message="talos.resource.definitions.hardware.ProcessorSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "socket",
                "manufacturer",
                "product_name",
                "max_speed",
                "boot_speed",
                "status",
                "serial_number",
                "asset_tag",
                "part_number",
                "core_count",
                "core_enabled",
                "thread_count",
            }
        )

        socket: str = ""
        manufacturer: str = ""
        product_name: str = msgspec.field(default="", name="productName")
        max_speed: int = msgspec.field(default=0, name="maxSpeedMhz")
        boot_speed: int = msgspec.field(default=0, name="bootSpeedMhz")
        status: int = 0
        serial_number: str = msgspec.field(default="", name="serialNumber")
        asset_tag: str = msgspec.field(default="", name="assetTag")
        part_number: str = msgspec.field(default="", name="partNumber")
        core_count: int = msgspec.field(default=0, name="coreCount")
        core_enabled: int = msgspec.field(default=0, name="coreEnabled")
        thread_count: int = msgspec.field(default=0, name="threadCount")
