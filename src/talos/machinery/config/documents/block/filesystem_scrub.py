"""Document FilesystemScrubConfig."""

from __future__ import annotations

import datetime
from typing import ClassVar

from talos.machinery.config import document


class FilesystemScrubConfig(document.Document, frozen=True, kw_only=True):
    """Filesystem scrub config."""

    kind: ClassVar[str] = "FilesystemScrubConfig"

    interval: datetime.timedelta | None = None
