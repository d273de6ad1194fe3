"""Document VLANConfig: a VLAN on a link."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values
from talos.machinery.config.documents.network import _sections

MAX_VLAN = 4094


class VLANConfig(_sections.CommonLink, document.Document, frozen=True, kw_only=True):
    """A VLAN."""

    kind: ClassVar[str] = "VLANConfig"
    named: ClassVar[bool] = True
    rivals: ClassVar[tuple[str, ...]] = _sections.other_links(kind)

    name: str = ""
    """Name of the link."""
    vlan_id: values.U16 = document.named("vlanID", 0)
    """Number of the VLAN."""
    vlan_mode: Annotated[str, values.Choice(("802.1q", "802.1ad"))] = ""
    """802.1q, the default, or 802.1ad for a VLAN in a VLAN."""
    parent: str = ""
    """Link it is on."""

    def validate(self, found: findings.Findings) -> None:
        """A number and a link to be on."""
        found.require(self.name, "name")
        if not 1 <= self.vlan_id <= MAX_VLAN:
            found.error("vlanID", f"expected a number from 1 to {MAX_VLAN}, got {self.vlan_id}")
        found.require(self.parent, "parent")
        self.check_link(found)

    @classmethod
    def example(cls) -> VLANConfig:
        """A VLAN with an address."""
        return cls(
            name="eth0.34",
            vlan_id=34,
            parent="eth0",
            addresses=(_sections.AddressConfig(address="192.168.34.100/24"),),
        )
