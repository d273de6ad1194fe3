"""Document DummyLinkConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class AddressConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of DummyLinkConfig."""

    address: str = ""
    route_priority: int | None = msgspec.field(default=None, name="routePriority")


class RouteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of DummyLinkConfig."""

    destination: str = ""
    gateway: str = ""
    source: str = ""
    metric: int = 0
    mtu: int = 0
    table: str = ""


class DummyLinkConfig(document.Document, frozen=True, kw_only=True):
    """Dummy link config."""

    kind: ClassVar[str] = "DummyLinkConfig"
    named: ClassVar[bool] = True

    name: str = ""
    hardware_addr: str = msgspec.field(default="", name="hardwareAddr")
    up: bool | None = None
    mtu: int = 0
    addresses: tuple[AddressConfig, ...] = ()
    routes: tuple[RouteConfig, ...] = ()
    multicast: bool | None = None
