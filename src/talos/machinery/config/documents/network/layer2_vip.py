"""Document Layer2VIPConfig: an address one control plane at a time holds."""

from __future__ import annotations

import ipaddress
from typing import ClassVar

from talos.machinery.config import document, findings


class Layer2VIPConfig(document.Document, frozen=True, kw_only=True):
    """A shared address that is announced by ARP and neighbour discovery."""

    kind: ClassVar[str] = "Layer2VIPConfig"
    named: ClassVar[bool] = True
    rivals: ClassVar[tuple[str, ...]] = ("HCloudVIPConfig",)

    name: str = ""
    """The address."""
    link: str = ""
    """Link that holds it."""

    def validate(self, found: findings.Findings) -> None:
        """An address and a link."""
        if found.require(self.name, "name"):
            try:
                ipaddress.ip_address(self.name)
            except ValueError:
                found.error("name", f"expected an IP address, got {self.name!r}")
        found.require(self.link, "link")

    @classmethod
    def example(cls) -> Layer2VIPConfig:
        """An address."""
        return cls(name="192.168.100.1", link="eth0")
