"""Document TCPProbeConfig."""

from __future__ import annotations

import datetime
from typing import ClassVar

import msgspec

from talos.machinery.config import document


class TCPProbeConfig(document.Document, frozen=True, kw_only=True):
    """TCPProbe config."""

    kind: ClassVar[str] = "TCPProbeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    interval: datetime.timedelta | None = None
    failure_threshold: int = msgspec.field(default=0, name="failureThreshold")
    endpoint: str = ""
    timeout: datetime.timedelta | None = None
