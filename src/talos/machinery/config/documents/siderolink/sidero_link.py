"""Document SideroLinkConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class SideroLinkConfig(document.Document, frozen=True, kw_only=True):
    """Sidero link config."""

    kind: ClassVar[str] = "SideroLinkConfig"

    api_url: str = msgspec.field(default="", name="apiUrl")
    unique_token: str = msgspec.field(default="", name="uniqueToken")
