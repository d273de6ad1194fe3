"""Resource type NodeAddresses.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types

NODE_ADDRESS_DEFAULT_ID = "default"
NODE_ADDRESS_CURRENT_ID = "current"
NODE_ADDRESS_ACCUMULATIVE_ID = "accumulative"
NODE_ADDRESS_ROUTED_ID = "routed"


class NodeAddress(resource.Resource["NodeAddress.Spec"]):
    """Addresses of the node, chosen and sorted for one purpose."""

    definition = resource.Definition(
        type="NodeAddresses.net.talos.dev",
        namespace="network",
        print_columns=(
            resource.PrintColumn("Addresses", "{.addresses}"),
            resource.PrintColumn("SortAlgorithm", "{.sortAlgorithm}"),
        ),
        message="talos.resource.definitions.network.NodeAddressSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        addresses: tuple[str, ...] = ()
        sort_algorithm: network_types.AddressSortAlgorithm = msgspec.field(
            default=network_types.AddressSortAlgorithm.V1, name="sortAlgorithm"
        )
