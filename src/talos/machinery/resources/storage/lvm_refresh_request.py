"""Resource type LVMRefreshRequests.storage.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

REFRESH_ID = "refresh"


class LVMRefreshRequest(resource.Resource["LVMRefreshRequest.Spec"]):
    """Asks for the LVM state to be read again."""

    definition = resource.Definition(
        type="LVMRefreshRequests.storage.talos.dev",
        namespace="storage",
        print_columns=(resource.PrintColumn("Request", "{.request}"),),
        message="talos.resource.definitions.storage.LVMRefreshRequestSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        request: int = 0
