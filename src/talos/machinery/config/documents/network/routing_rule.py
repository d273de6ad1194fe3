"""Document RoutingRuleConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class RoutingRuleConfig(document.Document, frozen=True, kw_only=True):
    """Routing rule config."""

    kind: ClassVar[str] = "RoutingRuleConfig"
    named: ClassVar[bool] = True

    name: str = ""
    src: str = ""
    dst: str = ""
    table: str = ""
    action: int | None = None
    iif_name: str = msgspec.field(default="", name="iifName")
    oif_name: str = msgspec.field(default="", name="oifName")
    fw_mark: int = msgspec.field(default=0, name="fwMark")
    fw_mask: int = msgspec.field(default=0, name="fwMask")
