"""Document EtcFileConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class EtcFileConfig(document.Document, frozen=True, kw_only=True):
    """Etc file config."""

    kind: ClassVar[str] = "EtcFileConfig"
    named: ClassVar[bool] = True

    name: str = ""
    mode: int | None = None
    contents: str = ""
