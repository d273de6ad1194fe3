"""Resource type MountRequests.block.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class MountRequest(resource.Resource["MountRequest.Spec"]):
    """A mount that one or more volume users want, merged by volume."""

    definition = resource.Definition(
        type="MountRequests.block.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Volume", "{.volumeID}"),
            resource.PrintColumn("Parent", "{.parentID}"),
            resource.PrintColumn("Requesters", "{.requesters}"),
        ),
        message="talos.resource.definitions.block.MountRequestSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"disable_access_time", "secure", "no_exec"})

        volume_id: str = msgspec.field(default="", name="volumeID")
        parent_mount_id: str = msgspec.field(default="", name="parentID")
        read_only: bool = msgspec.field(default=False, name="readOnly")
        detached: bool = False
        disable_access_time: bool = msgspec.field(default=False, name="disableAccessTime")
        secure: bool = False
        no_exec: bool = msgspec.field(default=False, name="noExec")
        requesters: tuple[str, ...] = ()
        requester_i_ds: tuple[str, ...] = msgspec.field(default=(), name="requesterIDs")
