"""Document UnattendedInstallConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class InstallerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of UnattendedInstallConfig."""

    image: str = ""


class DiskSelectorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of UnattendedInstallConfig."""

    match: str = ""


class ProvisioningSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Section of UnattendedInstallConfig."""

    disk_selector: DiskSelectorSpec | None = msgspec.field(default=None, name="diskSelector")
    wipe: bool | None = None


class UnattendedInstallConfig(document.Document, frozen=True, kw_only=True):
    """Unattended install config."""

    kind: ClassVar[str] = "UnattendedInstallConfig"

    reboot: bool | None = None
    installer: InstallerSpec | None = None
    provisioning: ProvisioningSpec | None = None
