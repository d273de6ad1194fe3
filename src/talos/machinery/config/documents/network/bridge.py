"""Document BridgeConfig: a switch inside the machine."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values
from talos.machinery.config.documents.network import _sections


class BridgeSTPConfig(document.Section, frozen=True, kw_only=True):
    """Spanning tree."""

    enabled: bool | None = None
    """Run it."""


class BridgeVLANConfig(document.Section, frozen=True, kw_only=True):
    """VLANs on the bridge."""

    filtering: bool | None = None
    """Forward by VLAN membership."""


class BridgeConfig(_sections.CommonLink, document.Document, frozen=True, kw_only=True):
    """A bridge."""

    kind: ClassVar[str] = "BridgeConfig"
    named: ClassVar[bool] = True
    rivals: ClassVar[tuple[str, ...]] = _sections.other_links(kind)

    name: str = ""
    """Name of the link."""
    hardware_addr: values.HardwareAddress = ""
    """Hardware address, when the kernel is not to choose one."""
    links: Annotated[tuple[str, ...], values.ALWAYS] = ()
    """Links that are its ports."""
    stp: BridgeSTPConfig | None = None
    """Spanning tree."""
    vlan: BridgeVLANConfig | None = None
    """VLANs."""

    def validate(self, found: findings.Findings) -> None:
        """A bridge has a name."""
        found.require(self.name, "name")
        self.check_link(found)

    @classmethod
    def example(cls) -> BridgeConfig:
        """For virtual machines."""
        return cls(name="br0", links=("eth1", "eth2"), stp=BridgeSTPConfig(enabled=True))
