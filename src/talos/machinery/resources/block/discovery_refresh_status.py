"""Resource type DiscoveryRefreshStatuses.block.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class DiscoveryRefreshStatus(resource.Resource["DiscoveryRefreshStatus.Spec"]):
    """Discovery refresh status."""

    definition = resource.Definition(
        type="DiscoveryRefreshStatuses.block.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Request", "{.request}"),),
        message="talos.resource.definitions.block.DiscoveryRefreshStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """Spec of DiscoveryRefreshStatus."""

        request: int = 0
