"""Document UdevRulesConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class UdevRulesConfig(document.Document, frozen=True, kw_only=True):
    """Udev rules config."""

    kind: ClassVar[str] = "UdevRulesConfig"

    rules: tuple[str, ...] = ()
