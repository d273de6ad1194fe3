"""Document LinkConfig: addresses and routes of a link that is there."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document, findings
from talos.machinery.config.documents.network import _sections


class LinkConfig(_sections.CommonLink, document.Document, frozen=True, kw_only=True):
    """A link of the hardware."""

    kind: ClassVar[str] = "LinkConfig"
    named: ClassVar[bool] = True
    rivals: ClassVar[tuple[str, ...]] = _sections.other_links(kind)

    name: str = ""
    """Name of the link, or its alias."""

    def validate(self, found: findings.Findings) -> None:
        """A link has a name."""
        found.require(self.name, "name")
        self.check_link(found)

    @classmethod
    def example(cls) -> LinkConfig:
        """A fixed address."""
        return cls(
            name="eth0",
            up=True,
            mtu=9000,
            addresses=(_sections.AddressConfig(address="192.168.1.100/24"),),
            routes=(
                _sections.RouteConfig(gateway="192.168.1.1"),
                _sections.RouteConfig(destination="10.0.0.0/8", gateway="192.168.1.254", metric=100),
            ),
        )
