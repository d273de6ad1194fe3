"""Document HostnameConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class HostnameConfig(document.Document, frozen=True, kw_only=True):
    """Hostname config."""

    kind: ClassVar[str] = "HostnameConfig"

    auto: str = ""
    hostname: str = ""
