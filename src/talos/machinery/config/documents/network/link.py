"""Document LinkConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class AddressConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of LinkConfig."""

    address: str = ""
    route_priority: int | None = msgspec.field(default=None, name="routePriority")


class RouteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of LinkConfig."""

    destination: str = ""
    gateway: str = ""
    source: str = ""
    metric: int = 0
    mtu: int = 0
    table: str = ""


class LinkConfig(document.Document, frozen=True, kw_only=True):
    """Link config."""

    kind: ClassVar[str] = "LinkConfig"
    named: ClassVar[bool] = True

    name: str = ""
    up: bool | None = None
    mtu: int = 0
    addresses: tuple[AddressConfig, ...] = ()
    routes: tuple[RouteConfig, ...] = ()
    multicast: bool | None = None
