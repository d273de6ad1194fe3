"""Resource type RouteSpecs.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types


class RouteNextHop(msgspec.Struct, frozen=True, kw_only=True):
    """One of several ways of a route."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"out_link_name", "weight"})

    gateway: str = ""
    out_link_name: str = msgspec.field(default="", name="outLinkName")
    weight: int = 0


class RouteSpec(resource.Resource["RouteSpec.Spec"]):
    """A route wanted."""

    definition = resource.Definition(
        type="RouteSpecs.net.talos.dev", namespace="network", message="talos.resource.definitions.network.RouteSpecSpec"
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"out_link_name", "priority", "mtu", "next_hops"})

        family: network_types.Family = network_types.Family.UNSPECIFIED
        destination: str = msgspec.field(default="", name="dst")
        source: str = msgspec.field(default="", name="src")
        gateway: str = ""
        out_link_name: str = msgspec.field(default="", name="outLinkName")
        table: network_types.RoutingTable = network_types.RoutingTable.UNSPEC
        priority: int = 0
        scope: network_types.Scope = network_types.Scope.GLOBAL
        type: network_types.RouteType = network_types.RouteType.UNSPEC
        flags: str = ""
        protocol: network_types.RouteProtocol = network_types.RouteProtocol.UNSPEC
        config_layer: network_types.ConfigLayer = msgspec.field(default=network_types.ConfigLayer.DEFAULT, name="layer")
        mtu: int = 0
        next_hops: tuple[RouteNextHop, ...] = msgspec.field(default=(), name="nextHops")
