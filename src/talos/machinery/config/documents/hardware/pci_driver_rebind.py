"""Document PCIDriverRebindConfig: another driver for a PCI device."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document, findings


class PCIDriverRebindConfig(document.Document, frozen=True, kw_only=True):
    """Gives a PCI device to another kernel driver, such as vfio-pci for pass-through."""

    kind: ClassVar[str] = "PCIDriverRebindConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Address of the device, `0000:04:00.0`."""
    target_driver: str = ""
    """Driver it is to have."""

    def validate(self, found: findings.Findings) -> None:
        """A device and a driver."""
        found.require(self.name, "name")
        found.require(self.target_driver, "targetDriver")

    @classmethod
    def example(cls) -> PCIDriverRebindConfig:
        """For pass-through."""
        return cls(name="0000:04:00.0", target_driver="vfio-pci")
