"""Specs of links, addresses and routes from configured devices. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

import msgspec

from talos.machined.controllers.network._devices import Device, Route
from talos.machinery.resources.network.address_spec import AddressSpec
from talos.machinery.resources.network.link_spec import (
    BondMasterSpec,
    BondSlave,
    BridgeMasterSpec,
    BridgeSlave,
    LinkSpec,
    VethSpec,
    VLANSpec,
    VRFMasterSpec,
    VRFSlave,
)
from talos.machinery.resources.network.route_spec import RouteSpec
from talos.machinery.types import network

LAYER = network.ConfigLayer.MACHINE_CONFIGURATION
DEFAULT_METRIC = 1024


def table(text: str) -> network.RoutingTable:
    """A routing table by name or number; the main one for "" and for what is none."""
    try:
        return network.RoutingTable.from_text(text)
    except ValueError:
        return network.RoutingTable.MAIN


def _link(device: Device) -> LinkSpec.Spec:
    spec = LinkSpec.Spec(
        name=device.name,
        logical=bool(device.kind),
        up=device.up is not False,
        mtu=device.mtu,
        kind=device.kind,
        type=network.LinkType.ETHER,
        hardware_address=device.hardware_address.lower(),
        parent_name=device.parent,
        multicast=device.multicast,
        config_layer=LAYER,
        bond_master=device.bond or BondMasterSpec(),
        bridge_master=device.bridge or BridgeMasterSpec(),
        veth=VethSpec(peer_name=device.peer),
    )
    if device.kind == "vlan":
        vlan = VLANSpec(vid=device.vlan_id, protocol=device.vlan_protocol)
        spec = msgspec.structs.replace(spec, vlan=vlan)
    if device.kind == "vrf":
        spec = msgspec.structs.replace(spec, vrf_master=VRFMasterSpec(table=table(device.vrf_table)))
    if device.master:
        spec = msgspec.structs.replace(spec, bridge_slave=BridgeSlave(master_name=device.master))
    return spec


def _enslaved(spec: LinkSpec.Spec, master: Device, position: int) -> LinkSpec.Spec:
    if master.kind == "bond":
        slave = BondSlave(master_name=master.name, slave_index=position)
        return msgspec.structs.replace(spec, bond_slave=slave)
    if master.kind == "bridge":
        return msgspec.structs.replace(spec, bridge_slave=BridgeSlave(master_name=master.name))
    return msgspec.structs.replace(spec, vrf_slave=VRFSlave(master_name=master.name))


def links(devices: Sequence[Device]) -> list[LinkSpec.Spec]:
    """One spec per link; a later description of the same link overrides. Ports nobody describes are plain and up."""
    found = {device.name: _link(device) for device in devices}
    for master in devices:
        for position, name in enumerate(master.ports):
            port = found.get(name) or _link(Device(name))
            found[name] = _enslaved(port, master, position)
    return list(found.values())


def addresses(devices: Iterable[Device]) -> list[AddressSpec.Spec]:
    """Addresses; one without a prefix length is alone in its network."""
    found = []
    for device in devices:
        for text, priority in device.addresses:
            interface = ipaddress.ip_interface(text)
            found.append(
                AddressSpec.Spec(
                    address=str(interface),
                    link_name=device.name,
                    family=network.Family.INET4 if interface.version == 4 else network.Family.INET6,
                    scope=network.Scope.GLOBAL,
                    flags="permanent",
                    priority=priority,
                    config_layer=LAYER,
                )
            )
    return found


def route(wanted: Route, link: str, *, type: network.RouteType = network.RouteType.UNICAST) -> RouteSpec.Spec:
    """One route. Its family is that of its destination or gateway, its scope that of a neighbour without a gateway."""
    destination = ipaddress.ip_network(wanted.destination, strict=False) if wanted.destination else None
    gateway = ipaddress.ip_address(wanted.gateway) if wanted.gateway else None
    version = gateway.version if gateway else destination.version if destination else 4
    if destination is not None and destination.prefixlen == 0:
        destination = None
    local = gateway is None and version == 4 and type is network.RouteType.UNICAST
    return RouteSpec.Spec(
        family=network.Family.INET4 if version == 4 else network.Family.INET6,
        destination=str(destination) if destination else "",
        source=wanted.source,
        gateway=str(gateway) if gateway else "",
        out_link_name=link,
        table=table(wanted.table),
        priority=wanted.metric or DEFAULT_METRIC,
        scope=network.Scope.LINK if local else network.Scope.GLOBAL,
        type=type,
        protocol=network.RouteProtocol.STATIC,
        mtu=wanted.mtu,
        config_layer=LAYER,
    )


def routes(devices: Iterable[Device]) -> list[RouteSpec.Spec]:
    """Routes of all devices; those of a VRF are in its table."""
    tables = {
        port: device.vrf_table for device in devices if device.kind == "vrf" for port in (device.name, *device.ports)
    }
    found = []
    for device in devices:
        for wanted in device.routes:
            spec = route(wanted, device.name)
            if not wanted.table and device.name in tables:
                spec = msgspec.structs.replace(spec, table=table(tables[device.name]))
            found.append(spec)
    return found
