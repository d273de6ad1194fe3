"""Document VethConfig: two links joined inside the machine."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values
from talos.machinery.config.documents.network import _sections


class VethPeerConfig(_sections.CommonLink, frozen=True, kw_only=True):
    """The other end."""

    name: Annotated[str, values.ALWAYS] = ""
    """Name of the link."""


class VethConfig(_sections.CommonLink, document.Document, frozen=True, kw_only=True):
    """A pair of links; what goes into one comes out of the other."""

    kind: ClassVar[str] = "VethConfig"
    named: ClassVar[bool] = True
    rivals: ClassVar[tuple[str, ...]] = _sections.other_links(kind)

    name: str = ""
    """Name of this end."""
    peer: Annotated[VethPeerConfig | None, values.ALWAYS] = VethPeerConfig()
    """The other end."""

    def validate(self, found: findings.Findings) -> None:
        """Two ends with names of their own."""
        found.require(self.name, "name")
        peer = self.peer or VethPeerConfig()
        if found.require(peer.name, "peer.name") and peer.name == self.name:
            found.error("peer.name", "both ends have the same name")
        self.check_link(found)
        peer.check_link(found, "peer.")

    @classmethod
    def example(cls) -> VethConfig:
        """Two ends."""
        return cls(
            name="veth0",
            peer=VethPeerConfig(name="veth1", up=True),
            up=True,
            addresses=(_sections.AddressConfig(address="10.10.0.1/30"),),
        )
