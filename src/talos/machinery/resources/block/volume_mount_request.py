"""Resource type VolumeMountRequests.block.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class VolumeMountRequest(resource.Resource["VolumeMountRequest.Spec"]):
    """One user's wish to have a volume mounted."""

    definition = resource.Definition(
        type="VolumeMountRequests.block.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Volume ID", "{.volumeID}"),
            resource.PrintColumn("Requester", "{.requester}"),
        ),
        message="talos.resource.definitions.block.VolumeMountRequestSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        volume_id: str = msgspec.field(default="", name="volumeID")
        requester: str = ""
        read_only: bool = msgspec.field(default=False, name="readOnly")
        detached: bool = False
        disable_access_time: bool = msgspec.field(default=False, name="disableAccessTime")
        secure: bool = False
        no_exec: bool = msgspec.field(default=False, name="noExec")
