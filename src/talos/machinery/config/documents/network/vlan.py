"""Document VLANConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class AddressConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VLANConfig."""

    address: str = ""
    route_priority: int | None = msgspec.field(default=None, name="routePriority")


class RouteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VLANConfig."""

    destination: str = ""
    gateway: str = ""
    source: str = ""
    metric: int = 0
    mtu: int = 0
    table: str = ""


class VLANConfig(document.Document, frozen=True, kw_only=True):
    """VLANConfig."""

    kind: ClassVar[str] = "VLANConfig"
    named: ClassVar[bool] = True

    name: str = ""
    vlan_id: int = msgspec.field(default=0, name="vlanID")
    vlan_mode: str = msgspec.field(default="", name="vlanMode")
    parent: str = ""
    up: bool | None = None
    mtu: int = 0
    addresses: tuple[AddressConfig, ...] = ()
    routes: tuple[RouteConfig, ...] = ()
    multicast: bool | None = None
