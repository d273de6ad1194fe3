"""Document ExistingVolumeConfig."""

from __future__ import annotations

import datetime
from typing import ClassVar

import msgspec

from talos.machinery.config import document


class VolumeSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ExistingVolumeConfig."""

    match: str = ""


class VolumeDiscoverySpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ExistingVolumeConfig."""

    volume_selector: VolumeSelector | None = msgspec.field(default=None, name="volumeSelector")


class ExistingMountSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ExistingVolumeConfig."""

    read_only: bool | None = msgspec.field(default=None, name="readOnly")
    disable_access_time: bool | None = msgspec.field(default=None, name="disableAccessTime")
    secure: bool | None = None


class TrimConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ExistingVolumeConfig."""

    enabled: bool | None = None
    interval: datetime.timedelta | None = None


class ScrubConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ExistingVolumeConfig."""

    enabled: bool | None = None
    interval: datetime.timedelta | None = None


class ExistingVolumeConfig(document.Document, frozen=True, kw_only=True):
    """Existing volume config."""

    kind: ClassVar[str] = "ExistingVolumeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    discovery: VolumeDiscoverySpec | None = None
    mount: ExistingMountSpec | None = None
    trim: TrimConfig | None = None
    scrub: ScrubConfig | None = None
