"""Document FilesystemTrimConfig."""

from __future__ import annotations

import datetime
from typing import ClassVar

from talos.machinery.config import document


class FilesystemTrimConfig(document.Document, frozen=True, kw_only=True):
    """Filesystem trim config."""

    kind: ClassVar[str] = "FilesystemTrimConfig"

    interval: datetime.timedelta | None = None
