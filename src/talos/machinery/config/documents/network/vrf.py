"""Document VRFConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class AddressConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VRFConfig."""

    address: str = ""
    route_priority: int | None = msgspec.field(default=None, name="routePriority")


class RouteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of VRFConfig."""

    destination: str = ""
    gateway: str = ""
    source: str = ""
    metric: int = 0
    mtu: int = 0
    table: str = ""


class VRFConfig(document.Document, frozen=True, kw_only=True):
    """VRFConfig."""

    kind: ClassVar[str] = "VRFConfig"
    named: ClassVar[bool] = True

    name: str = ""
    hardware_addr: str = msgspec.field(default="", name="hardwareAddr")
    links: tuple[str, ...] = ()
    table: str = ""
    up: bool | None = None
    mtu: int = 0
    addresses: tuple[AddressConfig, ...] = ()
    routes: tuple[RouteConfig, ...] = ()
    multicast: bool | None = None
