"""Document UnattendedInstallConfig: installation on a disk without anybody asking for it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values


class InstallerSpec(document.Section, frozen=True, kw_only=True):
    """What is installed."""

    image: str = ""
    """Installer image; the one the machine booted from by default."""


class DiskSelectorSpec(document.Section, frozen=True, kw_only=True):
    """Which disk."""

    match: values.Expression = ""
    """CEL expression over `disk`."""


class ProvisioningSpec(document.Section, frozen=True, kw_only=True):
    """Where it is installed."""

    disk_selector: Annotated[DiskSelectorSpec | None, values.ALWAYS] = DiskSelectorSpec()
    """The disk."""
    wipe: bool | None = None
    """Erase the whole disk first."""


class UnattendedInstallConfig(document.Document, frozen=True, kw_only=True):
    """Installs the system when the machine boots with this configuration and is not installed yet."""

    kind: ClassVar[str] = "UnattendedInstallConfig"
    legacy: ClassVar[tuple[str, ...]] = ("machine.install",)

    reboot: bool | None = None
    """Boot into what was installed; on by default."""
    installer: Annotated[InstallerSpec | None, values.ALWAYS] = InstallerSpec()
    """What is installed."""
    provisioning: Annotated[ProvisioningSpec | None, values.ALWAYS] = ProvisioningSpec()
    """Where."""

    def validate(self, found: findings.Findings) -> None:
        """The image, if given, is a reference, and there is a disk."""
        if self.installer is not None and self.installer.image:
            checks.required_image(found, self.installer.image, "installer.image")
        selector = self.provisioning.disk_selector if self.provisioning else None
        checks.expression(found, selector.match if selector else "", "provisioning.diskSelector.match", "disk")

    @classmethod
    def example(cls) -> UnattendedInstallConfig:
        """On the first NVMe disk of some size."""
        return cls(
            provisioning=ProvisioningSpec(
                disk_selector=DiskSelectorSpec(match='disk.transport == "nvme" && disk.size > 100u * GB'), wipe=True
            )
        )
