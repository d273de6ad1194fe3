"""Links as a configuration describes them: one shape for documents and the v1alpha1 section. Pure.

A device is a link with what is on it. From devices come the specs of links (ports of bonds, bridges and VRFs get theirs
from the device they belong to), addresses and routes.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from talos.machinery.config import container
from talos.machinery.config.documents.network.bond import BondConfig
from talos.machinery.config.documents.network.bridge import BridgeConfig
from talos.machinery.config.documents.network.dummy_link import DummyLinkConfig
from talos.machinery.config.documents.network.link import LinkConfig
from talos.machinery.config.documents.network.veth import VethConfig
from talos.machinery.config.documents.network.vlan import VLANConfig
from talos.machinery.config.documents.network.vrf import VRFConfig
from talos.machinery.config.views.machine import machine_section
from talos.machinery.resources.network.link_spec import BondMasterSpec, BridgeMasterSpec, BridgeVLANSpec, STPSpec
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.types import network, wire


@dataclass(frozen=True, slots=True)
class Route:
    """A route out of a device. Texts are empty for "not given"."""

    destination: str = ""
    gateway: str = ""
    source: str = ""
    metric: int = 0
    mtu: int = 0
    table: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A link as configured. `kind` is empty for links that are there anyway; `up` None means up."""

    name: str
    kind: str = ""
    up: bool | None = None
    mtu: int = 0
    multicast: bool | None = None
    hardware_address: str = ""
    parent: str = ""
    peer: str = ""
    vlan_id: int = 0
    vlan_protocol: network.VLANProtocol = network.VLANProtocol.DOT1Q
    vrf_table: str = ""
    bond: BondMasterSpec | None = None
    bridge: BridgeMasterSpec | None = None
    master: str = ""
    ports: tuple[str, ...] = ()
    addresses: tuple[tuple[str, int], ...] = ()
    routes: tuple[Route, ...] = field(default=())


Links = Mapping[str, LinkStatus.Spec]


def _matches(selector: Any, link: LinkStatus.Spec) -> bool:
    """All given properties match; text ones may hold `*`."""
    physical = link.kind == "" and link.type is network.LinkType.ETHER
    texts = (
        (selector.bus_path, link.bus_path),
        (selector.hardware_addr.lower(), link.hardware_addr),
        (selector.permanent_addr.lower(), link.permanent_addr),
        (selector.pci_id.upper(), link.pciid.upper()),
        (selector.driver, link.driver),
    )
    given = [(wanted, found) for wanted, found in texts if wanted]
    if selector.physical is not None and selector.physical != physical:
        return False
    if not given and selector.physical is None:
        return False
    return all(fnmatch.fnmatchcase(found, wanted) for wanted, found in given)


def _selected(selector: Any, links: Links) -> list[str]:
    return [name for name, link in sorted(links.items()) if _matches(selector, link)]


_BOND_FIELDS = {
    "mode": ("mode", "bond_mode"),
    "hash_policy": ("xmit_hash_policy",),
    "lacp_rate": ("lacp_rate",),
    "arp_validate": ("arp_validate",),
    "arp_all_targets": ("arp_all_targets",),
    "ad_select": ("ad_select",),
    "primary_reselect": ("primary_reselect",),
    "fail_over_mac": ("fail_over_mac",),
    "mii_mon": ("miimon",),
    "adlacp_active": ("ad_lacp_active",),
    "up_delay": ("updelay",),
    "down_delay": ("downdelay",),
    "arp_interval": ("arp_interval",),
    "resend_igmp": ("resend_igmp",),
    "min_links": ("min_links",),
    "lp_interval": ("lp_interval",),
    "packets_per_slave": ("packets_per_slave",),
    "num_peer_notif": ("num_peer_notif",),
    "tlb_dynamic_lb": ("tlb_dynamic_lb", "tlb_logical_lb"),
    "all_slaves_active": ("all_slaves_active",),
    "use_carrier": ("use_carrier",),
    "primary": ("primary",),
    "ad_actor_sys_prio": ("ad_actor_sys_prio",),
    "ad_user_port_key": ("ad_user_port_key",),
    "peer_notify_delay": ("peer_notify_delay", "peer_notif_delay"),
    "missed_max": ("missed_max",),
    "arpip_targets": ("arp_ip_targets",),
    "nsip6_targets": ("ns_ip6_targets",),
}
_BOND_ENUMS: Mapping[str, type[wire.WireEnum]] = {
    "mode": network.BondMode,
    "hash_policy": network.BondXmitHashPolicy,
    "lacp_rate": network.LACPRate,
    "arp_validate": network.ARPValidate,
    "arp_all_targets": network.ARPAllTargets,
    "ad_select": network.ADSelect,
    "primary_reselect": network.PrimaryReselect,
    "fail_over_mac": network.FailOverMAC,
    "adlacp_active": network.ADLACPActive,
}
_BOND_MODES = {"active-backup": network.BondMode.ACTIVE_BACKUP, "broadcast": network.BondMode.BROADCAST}


def _bond(section: Any) -> BondMasterSpec:
    values: dict[str, Any] = {}
    for name, attributes in _BOND_FIELDS.items():
        value = next((found for one in attributes if (found := getattr(section, one, None)) not in (None, "")), None)
        if value is None:
            continue
        if kind := _BOND_ENUMS.get(name):
            texts: dict[str, Any] = {str(one): one for one in kind}
            value = _BOND_MODES.get(value) or texts.get(value)
        values[name] = value
    return BondMasterSpec(**{name: value for name, value in values.items() if value is not None})


def _bridge(stp: bool | None, filtering: bool | None) -> BridgeMasterSpec:
    return BridgeMasterSpec(stp=STPSpec(enabled=bool(stp)), vlan=BridgeVLANSpec(filtering_enabled=bool(filtering)))


def _legacy_routes(routes: Iterable[Any]) -> tuple[Route, ...]:
    return tuple(Route(one.network, one.gateway, one.source, one.metric, one.mtu) for one in routes)


def _legacy_one(section: Any, name: str, links: Links) -> list[Device]:
    addresses = (*section.addresses, section.cidr) if section.cidr else section.addresses
    device = Device(
        name=name,
        mtu=section.mtu,
        addresses=tuple((one, 0) for one in addresses),
        routes=_legacy_routes(section.routes),
        master=section.bridge_port.master if section.bridge_port else "",
    )
    if section.dummy:
        device = replace(device, kind="dummy")
    elif section.bond:
        found = [name for one in section.bond.device_selectors for name in _selected(one, links)]
        ports = tuple(dict.fromkeys((*section.bond.interfaces, *found)))
        device = replace(device, kind="bond", bond=_bond(section.bond), ports=ports)
    elif section.bridge:
        stp, vlan = section.bridge.stp, section.bridge.vlan
        spec = _bridge(stp.enabled if stp else None, vlan.vlan_filtering if vlan else None)
        device = replace(device, kind="bridge", bridge=spec, ports=tuple(section.bridge.interfaces))
    vlans = [
        Device(
            name=f"{name}.{one.vlan_id}",
            kind="vlan",
            parent=name,
            vlan_id=one.vlan_id,
            mtu=one.mtu,
            addresses=tuple((text, 0) for text in ((*one.addresses, one.cidr) if one.cidr else one.addresses)),
            routes=_legacy_routes(one.routes),
        )
        for one in section.vlans
    ]
    return [device, *vlans]


def _legacy(config: container.Container, links: Links) -> list[Device]:
    section = machine_section(config).network
    found: list[Device] = []
    for one in section.interfaces if section else ():
        if one.ignore or one.wireguard:
            continue
        names = _selected(one.device_selector, links) if one.device_selector else [one.interface]
        for name in filter(None, names):
            found += _legacy_one(one, name, links)
    return found


def _document_device(document: Any, **changes: Any) -> Device:
    device = Device(
        name=document.name,
        up=document.up,
        mtu=document.mtu,
        multicast=document.multicast,
        hardware_address=getattr(document, "hardware_addr", ""),
        addresses=tuple((one.address, one.route_priority or 0) for one in document.addresses),
        routes=tuple(
            Route(one.destination, one.gateway, one.source, one.metric, one.mtu, str(one.table or ""))
            for one in document.routes
        ),
    )
    return replace(device, **changes)


def _documents(config: container.Container) -> list[Device]:
    found = [_document_device(one) for one in config.all(LinkConfig)]
    found += [_document_device(one, kind="dummy") for one in config.all(DummyLinkConfig)]
    found += [
        _document_device(one, kind="bond", bond=_bond(one), ports=tuple(one.links)) for one in config.all(BondConfig)
    ]
    for bridge in config.all(BridgeConfig):
        spec = _bridge(bridge.stp.enabled if bridge.stp else None, bridge.vlan.filtering if bridge.vlan else None)
        found.append(_document_device(bridge, kind="bridge", bridge=spec, ports=tuple(bridge.links)))
    protocols = {str(one): one for one in network.VLANProtocol}
    for vlan in config.all(VLANConfig):
        protocol = protocols.get(vlan.vlan_mode, network.VLANProtocol.DOT1Q)
        found.append(
            _document_device(vlan, kind="vlan", parent=vlan.parent, vlan_id=vlan.vlan_id, vlan_protocol=protocol)
        )
    for vrf in config.all(VRFConfig):
        found.append(_document_device(vrf, kind="vrf", vrf_table=str(vrf.table), ports=tuple(vrf.links)))
    for veth in config.all(VethConfig):
        peer = veth.peer
        found.append(_document_device(veth, kind="veth", peer=peer.name if peer else ""))
        if peer:
            found.append(_document_device(peer, kind="veth", peer=veth.name))
    return found


def real_names(links: Links) -> dict[str, str]:
    """Other name of a link -> its name."""
    return {other: name for name, link in links.items() for other in link.alt_names}


def _renamed(device: Device, names: Mapping[str, str]) -> Device:
    return replace(
        device,
        name=names.get(device.name, device.name),
        parent=names.get(device.parent, device.parent),
        master=names.get(device.master, device.master),
        ports=tuple(names.get(one, one) for one in device.ports),
    )


def devices(config: container.Container, links: Links) -> Sequence[Device]:
    """All configured links, by their real names; `links` are those there are, for selectors and other names."""
    found = [*_legacy(config, links), *_documents(config)]
    names = real_names(links)
    return [_renamed(one, names) for one in found] if names else found
