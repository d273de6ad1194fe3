"""Document TimeSyncConfig."""

from __future__ import annotations

import datetime
from typing import ClassVar

import msgspec

from talos.machinery.config import document


class NTPConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of TimeSyncConfig."""

    servers: tuple[str, ...] = ()
    use_nts: bool | None = msgspec.field(default=None, name="useNTS")


class PTPConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of TimeSyncConfig."""

    devices: tuple[str, ...] = ()


class TimeSyncConfig(document.Document, frozen=True, kw_only=True):
    """Time sync config."""

    kind: ClassVar[str] = "TimeSyncConfig"

    enabled: bool | None = None
    boot_timeout: datetime.timedelta | None = msgspec.field(default=None, name="bootTimeout")
    ntp: NTPConfig | None = None
    ptp: PTPConfig | None = None
