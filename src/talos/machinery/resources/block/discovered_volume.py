"""Resource type DiscoveredVolumes.block.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class DiscoveredVolume(resource.Resource["DiscoveredVolume.Spec"]):
    """What probing found on a disk or partition: file system, label, partition type."""

    definition = resource.Definition(
        type="DiscoveredVolumes.block.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Type", "{.type}"),
            resource.PrintColumn("Size", "{.pretty_size}"),
            resource.PrintColumn("Discovered", "{.name}"),
            resource.PrintColumn("Label", "{.label}"),
            resource.PrintColumn("PartitionLabel", "{.partition_label}"),
        ),
        message="talos.resource.definitions.block.DiscoveredVolumeSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "parent",
                "parent_dev_path",
                "sector_size",
                "io_size",
                "uuid",
                "label",
                "block_size",
                "filesystem_block_size",
                "probed_size",
                "partition_uuid",
                "partition_type",
                "partition_label",
                "partition_index",
            }
        )

        dev_path: str = ""
        type: str = ""
        device_path: str = ""
        parent: str = ""
        parent_dev_path: str = ""
        offset: int = 0
        size: int = 0
        pretty_size: str = ""
        sector_size: int = 0
        io_size: int = 0
        name: str = ""
        uuid: str = ""
        label: str = ""
        block_size: int = 0
        filesystem_block_size: int = 0
        probed_size: int = 0
        partition_uuid: str = ""
        partition_type: str = ""
        partition_label: str = ""
        partition_index: int = 0
