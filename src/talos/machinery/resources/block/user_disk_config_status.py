"""Resource type UserDiskConfigStatuses.block.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

USER_DISK_CONFIG_STATUS_ID = "user-disks"


class UserDiskConfigStatus(resource.Resource["UserDiskConfigStatus.Spec"]):
    """Whether the disks of old-style `machine.disks` are set up or torn down."""

    definition = resource.Definition(
        type="UserDiskConfigStatuses.block.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Ready", "{.ready}"),),
        message="talos.resource.definitions.block.UserDiskConfigStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        ready: bool = False
        torn_down: bool = msgspec.field(default=False, name="tornDown")
