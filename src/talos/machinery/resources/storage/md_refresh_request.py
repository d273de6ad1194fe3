"""Resource type MDRefreshRequests.storage.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class MDRefreshRequest(resource.Resource["MDRefreshRequest.Spec"]):
    """Asks for the RAID state to be read again."""

    definition = resource.Definition(
        type="MDRefreshRequests.storage.talos.dev",
        namespace="storage",
        print_columns=(resource.PrintColumn("Request", "{.request}"),),
        message="talos.resource.definitions.storage.MDRefreshRequestSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        request: int = 0
