"""Resource type SystemDisks.block.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

SYSTEM_DISK_ID = "system-disk"


class SystemDisk(resource.Resource["SystemDisk.Spec"]):
    """The disk the system is installed on."""

    definition = resource.Definition(
        type="SystemDisks.block.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Disk", "{.diskID}"),),
        message="talos.resource.definitions.block.SystemDiskSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        disk_id: str = msgspec.field(default="", name="diskID")
        dev_path: str = msgspec.field(default="", name="devPath")
