"""Document Layer2VIPConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class Layer2VIPConfig(document.Document, frozen=True, kw_only=True):
    """Layer2 vIPConfig."""

    kind: ClassVar[str] = "Layer2VIPConfig"
    named: ClassVar[bool] = True

    name: str = ""
    link: str = ""
