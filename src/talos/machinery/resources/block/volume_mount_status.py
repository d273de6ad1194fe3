"""Resource type VolumeMountStatuses.block.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class VolumeMountStatus(resource.Resource["VolumeMountStatus.Spec"]):
    """Tells one user that the volume it asked for is mounted."""

    definition = resource.Definition(
        type="VolumeMountStatuses.block.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Volume ID", "{.volumeID}"),
            resource.PrintColumn("Requester", "{.requester}"),
            resource.PrintColumn("Target", "{.target}"),
        ),
        message="talos.resource.definitions.block.VolumeMountStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        volume_id: str = msgspec.field(default="", name="volumeID")
        requester: str = ""
        target: str = ""
        read_only: bool = msgspec.field(default=False, name="readOnly")
        detached: bool = False
        disable_access_time: bool = msgspec.field(default=False, name="disableAccessTime")
        secure: bool = False
        no_exec: bool = msgspec.field(default=False, name="noExec")
