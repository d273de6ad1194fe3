"""Resource type BlockDevices.block.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class BlockDevice(resource.Resource["BlockDevice.Spec"]):
    """A disk or partition the kernel announces; its generation counts the changes seen."""

    definition = resource.Definition(
        type="BlockDevices.block.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Type", "{.type}"),
            resource.PrintColumn("PartitionName", "{.partitionName}"),
            resource.PrintColumn("Generation", "{.generation}"),
        ),
        message="talos.resource.definitions.block.DeviceSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {"partition_name", "partition_number", "parent", "secondaries"}
        )

        type: str = ""
        major: int = 0
        minor: int = 0
        partition_name: str = msgspec.field(default="", name="partitionName")
        partition_number: int = msgspec.field(default=0, name="partitionNumber")
        device_path: str = msgspec.field(default="", name="devicePath")
        generation: int = 0
        parent: str = ""
        secondaries: tuple[str, ...] = ()
