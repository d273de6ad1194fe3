"""Document DHCPv4Config: an IPv4 address from the network."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values

CLIENT_IDENTIFIERS = ("none", "mac", "duid")


class DHCPv4Config(document.Document, frozen=True, kw_only=True):
    """Asks a DHCP server for the addresses of a link."""

    kind: ClassVar[str] = "DHCPv4Config"
    named: ClassVar[bool] = True

    name: str = ""
    """Link."""
    route_metric: values.U32 = 0
    """Metric of the routes learnt."""
    ignore_hostname: bool | None = None
    """Take no host name from the server."""
    ignore_routes: bool | None = None
    """Take no routes from the server."""
    client_identifier: Annotated[str, values.Choice(CLIENT_IDENTIFIERS)] = ""
    """What the machine shows to be recognised: mac, the default, duid, or none."""
    duid_raw: values.HardwareAddress = ""
    """Identifier to show, in hex with colons; only with duid."""

    def validate(self, found: findings.Findings) -> None:
        """An identifier goes with its kind."""
        found.require(self.name, "name")
        if self.client_identifier == "duid":
            found.require(self.duid_raw, "duidRaw")
        elif self.duid_raw:
            found.error("duidRaw", "is used with clientIdentifier duid only")

    @classmethod
    def example(cls) -> DHCPv4Config:
        """A link whose routes come second."""
        return cls(name="eth1", route_metric=2048, ignore_hostname=True)
