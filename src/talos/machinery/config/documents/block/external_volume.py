"""Document ExternalVolumeConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class VirtiofsMountSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ExternalVolumeConfig."""

    tag: str = ""


class ExternalMountSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ExternalVolumeConfig."""

    read_only: bool | None = msgspec.field(default=None, name="readOnly")
    disable_access_time: bool | None = msgspec.field(default=None, name="disableAccessTime")
    secure: bool | None = None
    virtiofs: VirtiofsMountSpec | None = None


class ExternalVolumeConfig(document.Document, frozen=True, kw_only=True):
    """External volume config."""

    kind: ClassVar[str] = "ExternalVolumeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    filesystem_type: str = msgspec.field(default="", name="filesystemType")
    mount: ExternalMountSpec | None = None
