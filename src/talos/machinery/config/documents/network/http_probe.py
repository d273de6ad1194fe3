"""Document HTTPProbeConfig."""

from __future__ import annotations

import datetime
from typing import ClassVar

import msgspec

from talos.machinery.config import document


class HTTPProbeConfig(document.Document, frozen=True, kw_only=True):
    """HTTPProbe config."""

    kind: ClassVar[str] = "HTTPProbeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    interval: datetime.timedelta | None = None
    failure_threshold: int = msgspec.field(default=0, name="failureThreshold")
    url: str = ""
    timeout: datetime.timedelta | None = None
