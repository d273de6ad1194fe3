"""Document WireguardConfig."""

from __future__ import annotations

import datetime
from typing import ClassVar

import msgspec

from talos.machinery.config import document


class WireguardPeer(msgspec.Struct, frozen=True, kw_only=True):
    """Section of WireguardConfig."""

    public_key: str = msgspec.field(default="", name="publicKey")
    preshared_key: str = msgspec.field(default="", name="presharedKey")
    endpoint: str = ""
    persistent_keepalive_interval: datetime.timedelta | None = msgspec.field(
        default=None, name="persistentKeepaliveInterval"
    )
    allowed_ips: tuple[str, ...] = msgspec.field(default=(), name="allowedIPs")


class AddressConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of WireguardConfig."""

    address: str = ""
    route_priority: int | None = msgspec.field(default=None, name="routePriority")


class RouteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of WireguardConfig."""

    destination: str = ""
    gateway: str = ""
    source: str = ""
    metric: int = 0
    mtu: int = 0
    table: str = ""


class WireguardConfig(document.Document, frozen=True, kw_only=True):
    """Wireguard config."""

    kind: ClassVar[str] = "WireguardConfig"
    named: ClassVar[bool] = True

    name: str = ""
    private_key: str = msgspec.field(default="", name="privateKey")
    listen_port: int = msgspec.field(default=0, name="listenPort")
    firewall_mark: int = msgspec.field(default=0, name="firewallMark")
    peers: tuple[WireguardPeer, ...] = ()
    up: bool | None = None
    mtu: int = 0
    addresses: tuple[AddressConfig, ...] = ()
    routes: tuple[RouteConfig, ...] = ()
    multicast: bool | None = None
