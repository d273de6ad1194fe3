"""Document LVMLogicalVolumeConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class LVMLogicalVolumeProvisioningSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of LVMLogicalVolumeConfig."""

    volume_group: str = msgspec.field(default="", name="volumeGroup")
    min_size: str = msgspec.field(default="", name="minSize")
    max_size: str = msgspec.field(default="", name="maxSize")


class LVMLogicalVolumeConfig(document.Document, frozen=True, kw_only=True):
    """LVMLogical volume config."""

    kind: ClassVar[str] = "LVMLogicalVolumeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    type: str = ""
    mirrors: int | None = None
    stripes: int | None = None
    provisioning: LVMLogicalVolumeProvisioningSpec | None = None
