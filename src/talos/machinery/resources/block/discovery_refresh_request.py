"""Resource type DiscoveryRefreshRequests.block.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

REFRESH_ID = "refresh"


class DiscoveryRefreshRequest(resource.Resource["DiscoveryRefreshRequest.Spec"]):
    """Asks for the devices to be probed again; the number grows with each request."""

    definition = resource.Definition(
        type="DiscoveryRefreshRequests.block.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Request", "{.request}"),),
        message="talos.resource.definitions.block.DiscoveryRefreshRequestSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        request: int = 0
