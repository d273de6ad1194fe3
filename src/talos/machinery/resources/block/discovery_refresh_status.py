"""Resource type DiscoveryRefreshStatuses.block.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class DiscoveryRefreshStatus(resource.Resource["DiscoveryRefreshStatus.Spec"]):
    """The last request to probe again that was carried out."""

    definition = resource.Definition(
        type="DiscoveryRefreshStatuses.block.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Request", "{.request}"),),
        message="talos.resource.definitions.block.DiscoveryRefreshStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        request: int = 0
