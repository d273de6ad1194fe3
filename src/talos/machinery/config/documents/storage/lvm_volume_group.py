"""Document LVMVolumeGroupConfig: disks as one pool."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values
from talos.machinery.config.documents.storage import _sections


class LVMVolumeSelectorSpec(document.Section, frozen=True, kw_only=True):
    """Which disks and partitions."""

    match: values.Expression = ""
    """CEL expression over `volume` and `disk`."""


class ProvisioningSpec(document.Section, frozen=True, kw_only=True):
    """What it is made of."""

    volume_selector: Annotated[LVMVolumeSelectorSpec | None, values.ALWAYS] = LVMVolumeSelectorSpec()
    """Disks and partitions."""


class LVMVolumeGroupConfig(document.Document, frozen=True, kw_only=True):
    """A volume group of LVM."""

    kind: ClassVar[str] = "LVMVolumeGroupConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name."""
    provisioning: Annotated[ProvisioningSpec | None, values.ALWAYS] = ProvisioningSpec()
    """What it is made of."""

    def validate(self, found: findings.Findings) -> None:
        """A name and disks."""
        _sections.check_name(found, self.name, _sections.MAX_LVM_NAME)
        selector = self.provisioning.volume_selector if self.provisioning else None
        checks.expression(found, selector.match if selector else "", "provisioning.volumeSelector.match", "volume")

    @classmethod
    def example(cls) -> LVMVolumeGroupConfig:
        """All NVMe disks but the system's."""
        selector = LVMVolumeSelectorSpec(match='disk.transport == "nvme" && !system_disk')
        return cls(name="pool", provisioning=ProvisioningSpec(volume_selector=selector))
