"""Document RAIDArrayConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class RAIDVolumeSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Section of RAIDArrayConfig."""

    match: str = ""


class RAIDProvisioningSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of RAIDArrayConfig."""

    volume_selector: RAIDVolumeSelector | None = msgspec.field(default=None, name="volumeSelector")


class RAIDArrayConfig(document.Document, frozen=True, kw_only=True):
    """RAIDArray config."""

    kind: ClassVar[str] = "RAIDArrayConfig"
    named: ClassVar[bool] = True

    name: str = ""
    level: str = ""
    metadata: str = ""
    provisioning: RAIDProvisioningSpec | None = None
