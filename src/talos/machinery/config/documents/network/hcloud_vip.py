"""Document HCloudVIPConfig: an address one control plane at a time holds, in Hetzner Cloud."""

from __future__ import annotations

import ipaddress
from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values


class HCloudVIPConfig(document.Document, frozen=True, kw_only=True):
    """A shared address that is moved through the cloud's API."""

    kind: ClassVar[str] = "HCloudVIPConfig"
    named: ClassVar[bool] = True
    rivals: ClassVar[tuple[str, ...]] = ("Layer2VIPConfig",)

    name: str = ""
    """The address."""
    link: str = ""
    """Link that holds it."""
    api_token: Annotated[str, values.SECRET] = ""
    """Token of the cloud's API."""

    def validate(self, found: findings.Findings) -> None:
        """An address, a link and the right to move it."""
        if found.require(self.name, "name"):
            try:
                ipaddress.ip_address(self.name)
            except ValueError:
                found.error("name", f"expected an IP address, got {self.name!r}")
        found.require(self.link, "link")
        found.require(self.api_token, "apiToken")

    @classmethod
    def example(cls) -> HCloudVIPConfig:
        """An address."""
        return cls(name="198.51.100.7", link="eth0", api_token="example-token")  # noqa: S106 - an example
