"""Document VethConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class AddressConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VethConfig."""

    address: str = ""
    route_priority: int | None = msgspec.field(default=None, name="routePriority")


class RouteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VethConfig."""

    destination: str = ""
    gateway: str = ""
    source: str = ""
    metric: int = 0
    mtu: int = 0
    table: str = ""


class VethPeerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VethConfig."""

    name: str = ""
    up: bool | None = None
    mtu: int = 0
    addresses: tuple[AddressConfig, ...] = ()
    routes: tuple[RouteConfig, ...] = ()
    multicast: bool | None = None


class VethConfig(document.Document, frozen=True, kw_only=True):
    """Veth config."""

    kind: ClassVar[str] = "VethConfig"
    named: ClassVar[bool] = True

    name: str = ""
    peer: VethPeerConfig | None = None
    up: bool | None = None
    mtu: int = 0
    addresses: tuple[AddressConfig, ...] = ()
    routes: tuple[RouteConfig, ...] = ()
    multicast: bool | None = None
