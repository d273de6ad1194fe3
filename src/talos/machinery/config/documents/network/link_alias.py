"""Document LinkAliasConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class LinkSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Section of LinkAliasConfig."""

    match: str = ""


class LinkAliasConfig(document.Document, frozen=True, kw_only=True):
    """Link alias config."""

    kind: ClassVar[str] = "LinkAliasConfig"
    named: ClassVar[bool] = True

    name: str = ""
    selector: LinkSelector | None = None
