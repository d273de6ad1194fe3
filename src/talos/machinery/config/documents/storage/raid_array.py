"""Document RAIDArrayConfig: disks that hold the same."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values
from talos.machinery.config.documents.storage import _sections


class RAIDVolumeSelector(document.Section, frozen=True, kw_only=True):
    """Which disks and partitions."""

    match: values.Expression = ""
    """CEL expression over `volume` and `disk`."""


class RAIDProvisioningSpec(document.Section, frozen=True, kw_only=True):
    """What it is made of."""

    volume_selector: Annotated[RAIDVolumeSelector | None, values.ALWAYS] = RAIDVolumeSelector()
    """Disks and partitions."""


class RAIDArrayConfig(document.Document, frozen=True, kw_only=True):
    """An array of the kernel's md driver."""

    kind: ClassVar[str] = "RAIDArrayConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name."""
    level: Annotated[str, values.Choice(("raid1",)), values.ALWAYS] = "raid1"
    """Layout; `raid1` is the only one."""
    metadata: Annotated[str, values.Choice(("1.0", "1.2"))] = ""
    """Format of what is written about the array: at the end (1.0) or near the start (1.2, the default)."""
    provisioning: Annotated[RAIDProvisioningSpec | None, values.ALWAYS] = RAIDProvisioningSpec()
    """What it is made of."""

    def validate(self, found: findings.Findings) -> None:
        """A name and disks."""
        _sections.check_name(found, self.name, _sections.MAX_RAID_NAME)
        selector = self.provisioning.volume_selector if self.provisioning else None
        checks.expression(found, selector.match if selector else "", "provisioning.volumeSelector.match", "volume")

    @classmethod
    def example(cls) -> RAIDArrayConfig:
        """Two disks."""
        selector = RAIDVolumeSelector(match='disk.transport == "sata" && disk.rotational')
        return cls(name="data", level="raid1", provisioning=RAIDProvisioningSpec(volume_selector=selector))
