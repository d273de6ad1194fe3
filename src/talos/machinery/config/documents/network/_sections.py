"""Sections the documents of links share."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values


class AddressConfig(document.Section, frozen=True, kw_only=True):
    """An address of a link."""

    address: Annotated[values.Prefix, values.ALWAYS] = ""
    """Address with prefix length."""
    route_priority: values.U32 | None = None
    """Metric of the route to the prefix."""


class RouteConfig(document.Section, frozen=True, kw_only=True):
    """A route through a link."""

    destination: values.Prefix = ""
    """Destination; empty for the default route."""
    gateway: values.Address = ""
    """Next hop; empty when the destination is on the link itself."""
    source: values.Address = ""
    """Address packets leave with."""
    metric: values.U32 = 0
    """Priority; lower wins. 1024 by default."""
    mtu: values.U32 = 0
    """Largest packet on this route."""
    table: values.RoutingTable = ""
    """Routing table; the main one by default."""


class CommonLink(document.Section, frozen=True, kw_only=True):
    """What can be said of any link."""

    trailing: ClassVar[bool] = True

    up: bool | None = None
    """Bring the link up, or down."""
    mtu: values.U32 = 0
    """Largest packet."""
    addresses: tuple[AddressConfig, ...] = ()
    """Addresses."""
    routes: tuple[RouteConfig, ...] = ()
    """Routes."""
    multicast: bool | None = None
    """Receive multicast packets."""

    def check_link(self, found: findings.Findings, path: str = "") -> None:
        """Report addresses and routes that say nothing."""
        for n, address in enumerate(self.addresses):
            found.require(address.address, f"{path}addresses[{n}].address")
        for n, route in enumerate(self.routes):
            if not route.destination and not route.gateway:
                found.error(f"{path}routes[{n}]", "destination or gateway has to be given")


# Documents of these kinds make a link and share one space of names.
LINK_KINDS = (
    "BondConfig", "BridgeConfig", "DummyLinkConfig", "LinkConfig", "VLANConfig", "VRFConfig", "VethConfig",
    "WireguardConfig",
)  # fmt: skip


def other_links(kind: str) -> tuple[str, ...]:
    """Kinds whose documents may not have the name of one of `kind`."""
    return tuple(k for k in LINK_KINDS if k != kind)
