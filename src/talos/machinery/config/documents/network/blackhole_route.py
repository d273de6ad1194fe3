"""Document BlackholeRouteConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class BlackholeRouteConfig(document.Document, frozen=True, kw_only=True):
    """Blackhole route config."""

    kind: ClassVar[str] = "BlackholeRouteConfig"
    named: ClassVar[bool] = True

    name: str = ""
    metric: int = 0
