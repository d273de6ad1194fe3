"""Document BGPInstanceConfig."""

from __future__ import annotations

import datetime
from typing import ClassVar

import msgspec

from talos.machinery.config import document


class BGPImportRoute(msgspec.Struct, frozen=True, kw_only=True):
    """Section of BGPInstanceConfig."""

    bgp_instance: str = msgspec.field(default="", name="bgpInstance")
    prefixes: tuple[str, ...] = ()


class BGPBFDConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of BGPInstanceConfig."""

    transmit_interval: datetime.timedelta | None = msgspec.field(default=None, name="transmitInterval")
    receive_interval: datetime.timedelta | None = msgspec.field(default=None, name="receiveInterval")
    detect_multiplier: int = msgspec.field(default=0, name="detectMultiplier")


class BGPNeighborConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of BGPInstanceConfig."""

    address: str = ""
    link: str = ""
    peer_asn: int = msgspec.field(default=0, name="peerASN")
    local_asn: int = msgspec.field(default=0, name="localASN")
    passive: bool = False
    hold_time: datetime.timedelta | None = msgspec.field(default=None, name="holdTime")
    bfd: BGPBFDConfig | None = None


class BGPInstanceConfig(document.Document, frozen=True, kw_only=True):
    """BGPInstance config."""

    kind: ClassVar[str] = "BGPInstanceConfig"
    named: ClassVar[bool] = True

    name: str = ""
    vrf: str = ""
    local_asn: int = msgspec.field(default=0, name="localASN")
    router_id: str = msgspec.field(default="", name="routerID")
    route_source: str = msgspec.field(default="", name="routeSource")
    advertise: tuple[str, ...] = ()
    multipath: bool | None = None
    max_paths: int = msgspec.field(default=0, name="maxPaths")
    install_routes: bool | None = msgspec.field(default=None, name="installRoutes")
    import_routes: tuple[BGPImportRoute, ...] = msgspec.field(default=(), name="importRoutes")
    neighbors: tuple[BGPNeighborConfig, ...] = ()
