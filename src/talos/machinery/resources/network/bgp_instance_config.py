"""Resource type BGPInstanceConfigs.net.talos.dev."""

from __future__ import annotations

import datetime
from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types


class BGPBFDConfigSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Timers of the liveness check with a neighbour."""

    omit_empty: ClassVar[frozenset[str]] = frozenset({"transmit_interval", "receive_interval", "detect_multiplier"})

    transmit_interval: datetime.timedelta = msgspec.field(default=datetime.timedelta(), name="transmitInterval")
    receive_interval: datetime.timedelta = msgspec.field(default=datetime.timedelta(), name="receiveInterval")
    detect_multiplier: int = msgspec.field(default=0, name="detectMultiplier")


class BGPNeighborConfigSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A router to peer with."""

    omit_empty: ClassVar[frozenset[str]] = frozenset(
        {"address", "link", "peer_asn", "hold_time", "bfd", "local_asn", "passive"}
    )

    address: str = ""
    link: str = ""
    peer_asn: int = msgspec.field(default=0, name="peerASN")
    hold_time: datetime.timedelta = msgspec.field(default=datetime.timedelta(), name="holdTime")
    bfd: BGPBFDConfigSpec | None = None
    local_asn: int = msgspec.field(default=0, name="localASN")
    passive: bool = False


class BGPImportRouteSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Routes taken over from another instance."""

    bgp_instance: str = msgspec.field(default="", name="bgpInstance")
    prefixes: tuple[str, ...] = ()


class BGPInstanceConfig(resource.Resource["BGPInstanceConfig.Spec"]):
    """A BGP speaker: its number, neighbours and what it announces."""

    definition = resource.Definition(
        type="BGPInstanceConfigs.net.talos.dev",
        namespace="network",
        print_columns=(
            resource.PrintColumn("Local ASN", "{.localASN}"),
            resource.PrintColumn("Router ID", "{.routerID}"),
            resource.PrintColumn("VRF", "{.vrf}"),
            resource.PrintColumn("Neighbors", "{.neighbors}"),
        ),
        message="talos.resource.definitions.network.BGPInstanceConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "router_id",
                "route_source",
                "advertise_links",
                "multipath",
                "max_paths",
                "neighbors",
                "vrf",
                "vrf_table",
                "import_routes",
            }
        )

        local_asn: int = msgspec.field(default=0, name="localASN")
        router_id: str = msgspec.field(default="", name="routerID")
        route_source: str = msgspec.field(default="", name="routeSource")
        advertise_links: tuple[str, ...] = msgspec.field(default=(), name="advertiseLinks")
        multipath: bool = False
        max_paths: int = msgspec.field(default=0, name="maxPaths")
        neighbors: tuple[BGPNeighborConfigSpec, ...] = ()
        vrf: str = ""
        vrf_table: network_types.RoutingTable = msgspec.field(
            default=network_types.RoutingTable.UNSPEC, name="vrfTable"
        )
        import_routes: tuple[BGPImportRouteSpec, ...] = msgspec.field(default=(), name="importRoutes")
        install_routes: bool = msgspec.field(default=False, name="installRoutes")
