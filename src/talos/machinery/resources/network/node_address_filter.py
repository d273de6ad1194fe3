"""Resource type NodeAddressFilters.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class NodeAddressFilter(resource.Resource["NodeAddressFilter.Spec"]):
    """Subnets that choose among the node's addresses."""

    definition = resource.Definition(
        type="NodeAddressFilters.net.talos.dev",
        namespace="network",
        print_columns=(
            resource.PrintColumn("Include Subnets", "{.includeSubnets}"),
            resource.PrintColumn("Exclude Subnets", "{.excludeSubnets}"),
        ),
        message="talos.resource.definitions.network.NodeAddressFilterSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        include_subnets: tuple[str, ...] = msgspec.field(default=(), name="includeSubnets")
        exclude_subnets: tuple[str, ...] = msgspec.field(default=(), name="excludeSubnets")
