"""Document StaticHostConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class StaticHostConfig(document.Document, frozen=True, kw_only=True):
    """Static host config."""

    kind: ClassVar[str] = "StaticHostConfig"
    named: ClassVar[bool] = True

    name: str = ""
    hostnames: tuple[str, ...] = ()
