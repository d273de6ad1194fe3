"""Document CRICustomizationConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class CRICustomizationConfig(document.Document, frozen=True, kw_only=True):
    """CRICustomization config."""

    kind: ClassVar[str] = "CRICustomizationConfig"
    named: ClassVar[bool] = True

    name: str = ""
    content: str = ""
