"""Document FilesystemScrubConfig: how often file systems are looked over."""

from __future__ import annotations

import datetime
from typing import ClassVar

from talos.machinery.config import document, findings, values
from talos.machinery.config.documents.block import _sections


class FilesystemScrubConfig(document.Document, frozen=True, kw_only=True):
    """Looking for broken blocks on all volumes that do not say otherwise."""

    kind: ClassVar[str] = "FilesystemScrubConfig"

    interval: values.Duration | None = None
    """How often, every week by default."""

    def validate(self, found: findings.Findings) -> None:
        """An interval the system can keep."""
        if self.interval is not None and self.interval and self.interval < _sections.MINIMUM_SCRUB:
            found.error("interval", f"at least {values.format_duration(_sections.MINIMUM_SCRUB)} is needed")

    @classmethod
    def example(cls) -> FilesystemScrubConfig:
        """Every month."""
        return cls(interval=datetime.timedelta(days=30))
