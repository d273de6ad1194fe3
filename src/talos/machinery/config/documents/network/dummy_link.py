"""Document DummyLinkConfig: a link that leads nowhere."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document, findings, values
from talos.machinery.config.documents.network import _sections


class DummyLinkConfig(_sections.CommonLink, document.Document, frozen=True, kw_only=True):
    """A dummy link, to hold addresses of the machine itself."""

    kind: ClassVar[str] = "DummyLinkConfig"
    named: ClassVar[bool] = True
    rivals: ClassVar[tuple[str, ...]] = _sections.other_links(kind)

    name: str = ""
    """Name of the link."""
    hardware_addr: values.HardwareAddress = ""
    """Hardware address, when the kernel is not to choose one."""

    def validate(self, found: findings.Findings) -> None:
        """A link has a name."""
        found.require(self.name, "name")
        self.check_link(found)

    @classmethod
    def example(cls) -> DummyLinkConfig:
        """An address that does not depend on any port."""
        return cls(name="dummy0", addresses=(_sections.AddressConfig(address="192.168.1.100/32"),))
