"""Document ZswapConfig: compressed memory before paging out."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document, findings


class ZswapConfig(document.Document, frozen=True, kw_only=True):
    """A compressed pool in memory in front of swap."""

    kind: ClassVar[str] = "ZswapConfig"

    max_pool_percent: int | None = None
    """Largest share of memory, 20 by default."""
    shrinker_enabled: bool | None = None
    """Move cold pages on to the disk early."""

    def validate(self, found: findings.Findings) -> None:
        """A share is between none and all."""
        if self.max_pool_percent is not None and not 0 <= self.max_pool_percent <= 100:
            found.error("maxPoolPercent", f"expected 0 to 100, got {self.max_pool_percent}")

    @classmethod
    def example(cls) -> ZswapConfig:
        """A quarter of memory."""
        return cls(max_pool_percent=25)
