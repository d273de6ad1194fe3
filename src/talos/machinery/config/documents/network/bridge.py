"""Document BridgeConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class BridgeSTPConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of BridgeConfig."""

    enabled: bool | None = None


class BridgeVLANConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of BridgeConfig."""

    filtering: bool | None = None


class AddressConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of BridgeConfig."""

    address: str = ""
    route_priority: int | None = msgspec.field(default=None, name="routePriority")


class RouteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of BridgeConfig."""

    destination: str = ""
    gateway: str = ""
    source: str = ""
    metric: int = 0
    mtu: int = 0
    table: str = ""


class BridgeConfig(document.Document, frozen=True, kw_only=True):
    """Bridge config."""

    kind: ClassVar[str] = "BridgeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    hardware_addr: str = msgspec.field(default="", name="hardwareAddr")
    links: tuple[str, ...] = ()
    stp: BridgeSTPConfig | None = None
    vlan: BridgeVLANConfig | None = None
    up: bool | None = None
    mtu: int = 0
    addresses: tuple[AddressConfig, ...] = ()
    routes: tuple[RouteConfig, ...] = ()
    multicast: bool | None = None
