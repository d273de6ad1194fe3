"""Resource type RouteStatuses.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.resources.network import route_spec
from talos.machinery.types import network as network_types


class RouteStatus(resource.Resource["RouteStatus.Spec"]):
    """A route the kernel has."""

    definition = resource.Definition(
        type="RouteStatuses.net.talos.dev",
        namespace="network",
        aliases=(
            "route",
            "routes",
        ),
        print_columns=(
            resource.PrintColumn("Destination", "{.dst}"),
            resource.PrintColumn("Gateway", "{.gateway}"),
            resource.PrintColumn("Link", "{.outLinkName}"),
            resource.PrintColumn("Metric", "{.priority}"),
        ),
        message="talos.resource.definitions.network.RouteStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"out_link_index", "out_link_name", "mtu", "next_hops"})

        family: network_types.Family = network_types.Family.UNSPECIFIED
        destination: str = msgspec.field(default="", name="dst")
        source: str = msgspec.field(default="", name="src")
        gateway: str = ""
        out_link_index: int = msgspec.field(default=0, name="outLinkIndex")
        out_link_name: str = msgspec.field(default="", name="outLinkName")
        table: network_types.RoutingTable = network_types.RoutingTable.UNSPEC
        priority: int = 0
        scope: network_types.Scope = network_types.Scope.GLOBAL
        type: network_types.RouteType = network_types.RouteType.UNSPEC
        flags: str = ""
        protocol: network_types.RouteProtocol = network_types.RouteProtocol.UNSPEC
        mtu: int = 0
        next_hops: tuple[route_spec.RouteNextHop, ...] = msgspec.field(default=(), name="nextHops")
