"""Document WatchdogTimerConfig."""

from __future__ import annotations

import datetime
from typing import ClassVar

from talos.machinery.config import document


class WatchdogTimerConfig(document.Document, frozen=True, kw_only=True):
    """Watchdog timer config."""

    kind: ClassVar[str] = "WatchdogTimerConfig"

    device: str = ""
    timeout: datetime.timedelta | None = None
