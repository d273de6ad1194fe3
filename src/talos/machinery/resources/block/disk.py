"""Resource type Disks.block.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class Disk(resource.Resource["Disk.Spec"]):
    """A disk with its size, model, serial number and transport."""

    definition = resource.Definition(
        type="Disks.block.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Size", "{.pretty_size}"),
            resource.PrintColumn("Read Only", "{.readonly}"),
            resource.PrintColumn("Transport", "{.transport}"),
            resource.PrintColumn("Rotational", "{.rotational}"),
            resource.PrintColumn("WWID", "{.wwid}"),
            resource.PrintColumn("Model", "{.model}"),
            resource.PrintColumn("Serial", "{.serial}"),
        ),
        message="talos.resource.definitions.block.DiskSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "model",
                "firmware_version",
                "serial",
                "modalias",
                "wwid",
                "uuid",
                "bus_path",
                "sub_system",
                "transport",
                "rotational",
                "secondary_disks",
                "symlinks",
            }
        )

        dev_path: str = ""
        size: int = 0
        pretty_size: str = ""
        io_size: int = 0
        sector_size: int = 0
        readonly: bool = False
        cdrom: bool = False
        model: str = ""
        firmware_version: str = ""
        serial: str = ""
        modalias: str = ""
        wwid: str = ""
        uuid: str = ""
        bus_path: str = ""
        sub_system: str = ""
        transport: str = ""
        rotational: bool = False
        secondary_disks: tuple[str, ...] = ()
        symlinks: tuple[str, ...] = ()
