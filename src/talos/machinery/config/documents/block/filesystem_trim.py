"""Document FilesystemTrimConfig: how often disks are told which blocks are free."""

from __future__ import annotations

import datetime
from typing import ClassVar

from talos.machinery.config import checks, document, findings, values


class FilesystemTrimConfig(document.Document, frozen=True, kw_only=True):
    """Trimming of all volumes that do not say otherwise."""

    kind: ClassVar[str] = "FilesystemTrimConfig"

    interval: values.Duration | None = None
    """How often, every week by default."""

    def validate(self, found: findings.Findings) -> None:
        """Time goes forward."""
        checks.not_negative(found, "interval", self.interval)

    @classmethod
    def example(cls) -> FilesystemTrimConfig:
        """Every week."""
        return cls(interval=datetime.timedelta(days=7))
