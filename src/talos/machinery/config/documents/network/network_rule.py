"""Document NetworkRuleConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class RulePortSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Section of NetworkRuleConfig."""

    ports: tuple[str, ...] = ()
    protocol: str = ""


class IngressConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of NetworkRuleConfig."""

    subnet: str = ""
    except_: str = msgspec.field(default="", name="except")


class NetworkRuleConfig(document.Document, frozen=True, kw_only=True):
    """Network rule config."""

    kind: ClassVar[str] = "NetworkRuleConfig"
    named: ClassVar[bool] = True

    name: str = ""
    port_selector: RulePortSelector | None = msgspec.field(default=None, name="portSelector")
    ingress: tuple[IngressConfig, ...] = ()
