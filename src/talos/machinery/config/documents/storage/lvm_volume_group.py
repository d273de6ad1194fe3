"""Document LVMVolumeGroupConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class LVMVolumeSelectorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of LVMVolumeGroupConfig."""

    match: str = ""


class ProvisioningSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of LVMVolumeGroupConfig."""

    volume_selector: LVMVolumeSelectorSpec | None = msgspec.field(default=None, name="volumeSelector")


class LVMVolumeGroupConfig(document.Document, frozen=True, kw_only=True):
    """LVMVolume group config."""

    kind: ClassVar[str] = "LVMVolumeGroupConfig"
    named: ClassVar[bool] = True

    name: str = ""
    provisioning: ProvisioningSpec | None = None
