"""Document BGPInstanceConfig: routes learnt from and told to other routers."""

from __future__ import annotations

from itertools import combinations
from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values


class BGPImportRoute(document.Section, frozen=True, kw_only=True):
    """Routes taken over from another instance."""

    bgp_instance: Annotated[str, values.ALWAYS] = ""
    """Name of the other instance."""
    prefixes: Annotated[tuple[values.Prefix, ...], values.ALWAYS] = ()
    """Routes inside these prefixes are taken."""


class BGPBFDConfig(document.Section, frozen=True, kw_only=True):
    """Detection of a dead neighbour within milliseconds."""

    transmit_interval: values.Duration | None = None
    """Shortest time between packets sent."""
    receive_interval: values.Duration | None = None
    """Shortest time between packets taken."""
    detect_multiplier: values.U8 = 0
    """Packets missed before the neighbour is dead."""


class BGPNeighborConfig(document.Section, frozen=True, kw_only=True):
    """A router to talk to."""

    address: values.Address = ""
    """Its address, or `link`."""
    link: str = ""
    """Link it is on; found there by its link-local address."""
    peer_asn: values.U32 = document.named("peerASN", 0)
    """Its autonomous system; any when not given."""
    local_asn: values.U32 = document.named("localASN", 0)
    """Own autonomous system towards it, when it is another than the instance's."""
    passive: bool = False
    """Wait for it to connect."""
    hold_time: values.Duration | None = None
    """Silence after which it is given up."""
    bfd: BGPBFDConfig | None = None
    """Detect its death quickly; an empty section is enough."""


class BGPInstanceConfig(document.Document, frozen=True, kw_only=True):
    """A BGP speaker in the machine."""

    kind: ClassVar[str] = "BGPInstanceConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name."""
    vrf: str = ""
    """Routing domain it lives in."""
    local_asn: Annotated[values.U32, values.ALWAYS] = document.named("localASN", 0)
    """Own autonomous system."""
    router_id: values.Address = document.named("routerID", "")
    """Own identity, an IPv4 address; the first one advertised by default."""
    route_source: values.Address = ""
    """Address packets on learnt routes leave with."""
    advertise: Annotated[tuple[str, ...], values.REPLACE] = ()
    """Links whose addresses are told."""
    multipath: bool | None = None
    """Use several routes to one destination at once."""
    max_paths: values.U8 = 0
    """How many."""
    install_routes: bool | None = None
    """Put what is learnt into the kernel's table; on by default."""
    import_routes: Annotated[tuple[BGPImportRoute, ...], values.REPLACE] = ()
    """Routes taken over from other instances."""
    neighbors: Annotated[tuple[BGPNeighborConfig, ...], values.REPLACE] = ()
    """Routers to talk to."""

    def validate(self, found: findings.Findings) -> None:
        """Neighbours and imports are told apart."""
        found.require(self.name, "name")
        found.require(self.local_asn, "localASN")
        if ":" in self.router_id:
            found.error("routerID", f"expected an IPv4 address, got {self.router_id}")
        if not self.neighbors:
            found.warn("neighbors", "there is nobody to talk to")
        seen: set[str] = set()
        for n, neighbor in enumerate(self.neighbors):
            self._check_neighbor(found, f"neighbors[{n}]", neighbor, seen)
        sources: set[str] = set()
        for n, route in enumerate(self.import_routes):
            self._check_import(found, f"importRoutes[{n}]", route, sources)
        self._check_overlap(found)

    def _check_neighbor(self, found: findings.Findings, path: str, neighbor: BGPNeighborConfig, seen: set[str]) -> None:
        if bool(neighbor.address) == bool(neighbor.link):
            found.error(path, "exactly one of address and link has to be given")
        elif (neighbor.address or neighbor.link) in seen:
            found.error(path, f"{neighbor.address or neighbor.link} is given twice")
        seen.add(neighbor.address or neighbor.link)
        checks.not_negative(found, f"{path}.holdTime", neighbor.hold_time)
        if neighbor.bfd is not None:
            if self.vrf:
                found.error(f"{path}.bfd", "is not possible in a VRF")
            checks.not_negative(found, f"{path}.bfd.transmitInterval", neighbor.bfd.transmit_interval)
            checks.not_negative(found, f"{path}.bfd.receiveInterval", neighbor.bfd.receive_interval)

    def _check_import(self, found: findings.Findings, path: str, route: BGPImportRoute, sources: set[str]) -> None:
        if found.require(route.bgp_instance, f"{path}.bgpInstance"):
            if route.bgp_instance == self.name:
                found.error(f"{path}.bgpInstance", "an instance can not import from itself")
            if route.bgp_instance in sources:
                found.error(f"{path}.bgpInstance", f"{route.bgp_instance} is given twice")
            sources.add(route.bgp_instance)
        found.require(route.prefixes, f"{path}.prefixes")
        for n, text in enumerate(route.prefixes):
            if not found.require(text, f"{path}.prefixes[{n}]"):
                continue
            interface = values.parse_prefix(text)
            if interface.ip != interface.network.network_address:
                found.error(f"{path}.prefixes[{n}]", f"has bits behind its length, expected {interface.network}")

    def _check_overlap(self, found: findings.Findings) -> None:
        selectors = [
            (f"importRoutes[{n}].prefixes[{m}]", values.parse_prefix(text).network)
            for n, route in enumerate(self.import_routes)
            for m, text in enumerate(route.prefixes)
            if text
        ]
        for (_, one), (path, other) in combinations(selectors, 2):
            if one.version == other.version and one.overlaps(other):
                found.error(path, f"{other} overlaps {one}")

    @classmethod
    def example(cls) -> BGPInstanceConfig:
        """Two uplinks, told apart by their links."""
        uplinks = tuple(BGPNeighborConfig(link=link, peer_asn=65000, bfd=BGPBFDConfig()) for link in ("eth0", "eth1"))
        return cls(name="fabric", local_asn=65001, advertise=("dummy0",), multipath=True, neighbors=uplinks)
