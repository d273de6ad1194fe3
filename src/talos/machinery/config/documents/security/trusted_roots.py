"""Document TrustedRootsConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class TrustedRootsConfig(document.Document, frozen=True, kw_only=True):
    """Trusted roots config."""

    kind: ClassVar[str] = "TrustedRootsConfig"
    named: ClassVar[bool] = True

    name: str = ""
    certificates: str = ""
