"""Resource type DiscoveryRefreshRequests.block.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

REFRESH_ID = "refresh"


class DiscoveryRefreshRequest(resource.Resource["DiscoveryRefreshRequest.Spec"]):
    """Discovery refresh request."""

    definition = resource.Definition(
        type="DiscoveryRefreshRequests.block.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Request", "{.request}"),),
        message="talos.resource.definitions.block.DiscoveryRefreshRequestSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """Spec of DiscoveryRefreshRequest."""

        request: int = 0
