"""Document DHCPv4Config."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class DHCPv4Config(document.Document, frozen=True, kw_only=True):
    """DHCPv4 config."""

    kind: ClassVar[str] = "DHCPv4Config"
    named: ClassVar[bool] = True

    name: str = ""
    route_metric: int = msgspec.field(default=0, name="routeMetric")
    ignore_hostname: bool | None = msgspec.field(default=None, name="ignoreHostname")
    ignore_routes: bool | None = msgspec.field(default=None, name="ignoreRoutes")
    client_identifier: str = msgspec.field(default="", name="clientIdentifier")
    duid_raw: str = msgspec.field(default="", name="duidRaw")
