"""Resource type NodeAddressSortAlgorithms.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types

NODE_ADDRESS_SORT_ALGORITHM_ID = "default"


class NodeAddressSortAlgorithm(resource.Resource["NodeAddressSortAlgorithm.Spec"]):
    """The order node addresses are put in."""

    definition = resource.Definition(
        type="NodeAddressSortAlgorithms.net.talos.dev",
        namespace="network",
        print_columns=(resource.PrintColumn("Algorithm", "{.algorithm}"),),
        message="talos.resource.definitions.network.NodeAddressSortAlgorithmSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        algorithm: network_types.AddressSortAlgorithm = network_types.AddressSortAlgorithm.V1
