"""Document VRFConfig: a routing domain of its own."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values
from talos.machinery.config.documents.network import _sections

RESERVED_TABLES = ("unspec", "default", "main", "local")


class VRFConfig(_sections.CommonLink, document.Document, frozen=True, kw_only=True):
    """A virtual router; links in it see only the routes of its table."""

    kind: ClassVar[str] = "VRFConfig"
    named: ClassVar[bool] = True
    rivals: ClassVar[tuple[str, ...]] = _sections.other_links(kind)

    name: str = ""
    """Name of the link."""
    hardware_addr: values.HardwareAddress = ""
    """Hardware address, when the kernel is not to choose one."""
    links: Annotated[tuple[str, ...], values.ALWAYS] = ()
    """Links in it."""
    table: Annotated[values.RoutingTable, values.ALWAYS] = ""
    """Its routing table."""

    def validate(self, found: findings.Findings) -> None:
        """A table of its own."""
        found.require(self.name, "name")
        if found.require(self.table, "table") and self.table in RESERVED_TABLES:
            found.error("table", f"{self.table} belongs to the kernel")
        self.check_link(found)

    @classmethod
    def example(cls) -> VRFConfig:
        """A network for tenants."""
        return cls(name="vrf-blue", links=("eth1",), table="123")
