"""Document NetworkDefaultActionConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class NetworkDefaultActionConfig(document.Document, frozen=True, kw_only=True):
    """Network default action config."""

    kind: ClassVar[str] = "NetworkDefaultActionConfig"

    ingress: str = ""
