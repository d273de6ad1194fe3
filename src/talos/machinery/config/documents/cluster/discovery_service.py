"""Document DiscoveryServiceConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class DiscoveryServiceConfig(document.Document, frozen=True, kw_only=True):
    """Discovery service config."""

    kind: ClassVar[str] = "DiscoveryServiceConfig"
    named: ClassVar[bool] = True

    name: str = ""
    endpoint: str = ""
