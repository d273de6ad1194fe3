"""Document ZswapConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class ZswapConfig(document.Document, frozen=True, kw_only=True):
    """Zswap config."""

    kind: ClassVar[str] = "ZswapConfig"

    max_pool_percent: int | None = msgspec.field(default=None, name="maxPoolPercent")
    shrinker_enabled: bool | None = msgspec.field(default=None, name="shrinkerEnabled")
