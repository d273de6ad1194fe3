"""Checks of `machine.network`: links, their addresses and routes."""

from __future__ import annotations

import base64
import ipaddress

from talos.machinery.config import checks, findings, values
from talos.machinery.config.documents.network import bond as bond_document
from talos.machinery.config.documents.network.kubespan import MINIMUM_MTU
from talos.machinery.config.v1alpha1 import network

KEY_BYTES = 32
_BALANCED = ("802.3ad", "balance-tlb", "balance-alb")
_WITH_PRIMARY = ("active-backup", "balance-tlb", "balance-alb")
_CHOICES = {
    "mode": bond_document.MODES,
    "xmit_hash_policy": bond_document.XMIT_HASH_POLICIES,
    "lacp_rate": ("slow", "fast"),
    "arp_validate": bond_document.ARP_VALIDATE,
    "arp_all_targets": ("any", "all"),
    "primary_reselect": ("always", "better", "failure"),
    "fail_over_mac": ("none", "active", "follow"),
    "ad_select": ("stable", "bandwidth", "count"),
}


def check(config: network.NetworkConfig, found: findings.Findings, *, plane: bool) -> None:
    """Report errors and warnings."""
    members: dict[str, str] = {}
    for n, device in enumerate(config.interfaces):
        _membership(device, found, f"machine.network.interfaces[{n}]", members)
    for n, device in enumerate(config.interfaces):
        if not device.ignore:
            _device(device, found, f"machine.network.interfaces[{n}]", members, plane=plane)
    span = config.kubespan
    if span is not None and span.enabled:
        if span.mtu is not None and span.mtu < MINIMUM_MTU:
            found.error("machine.network.kubespan.mtu", f"at least {MINIMUM_MTU} is needed, got {span.mtu}")
        if span.filters is not None:
            path = "machine.network.kubespan.filters"
            checks.subnets_or_addresses(found, f"{path}.endpoints", span.filters.endpoints)
            excluded = span.filters.exclude_advertised_networks
            checks.prefixes(found, f"{path}.excludeAdvertisedNetworks", excluded)


def _membership(
    device: network.NetworkDeviceList, found: findings.Findings, path: str, members: dict[str, str]
) -> None:
    if device.bond is not None and device.bridge is not None:
        found.error(path, "bond and bridge contradict each other")
    if device.bond is not None and device.bond.interfaces and device.bond.device_selectors:
        found.error(f"{path}.bond", "interfaces and deviceSelectors contradict each other")
    mine = device.bridge.interfaces if device.bridge else device.bond.interfaces if device.bond else ()
    for name in mine:
        if members.get(name, device.interface) != device.interface:
            found.error(path, f"{name} is in {members[name]} already")
        members[name] = device.interface


def _device(
    device: network.NetworkDeviceList, found: findings.Findings, path: str, members: dict[str, str], *, plane: bool
) -> None:
    if bool(device.interface) == (device.device_selector is not None):
        found.error(path, "exactly one of interface and deviceSelector has to be given")
    if device.device_selector == network.NetworkDeviceSelector():
        found.error(f"{path}.deviceSelector", "says nothing")
    if device.bond is not None:
        _bond(device.bond, found, f"{path}.bond")
    if device.wireguard is not None:
        _wireguard(device.wireguard, found, f"{path}.wireguard")
    if device.interface in members and (device.dhcp or device.cidr or device.addresses or device.vip):
        found.error(path, f"{device.interface} is in {members[device.interface]} and can have no addresses")
    _addresses(device, found, path)
    for n, vlan in enumerate(device.vlans):
        _addresses(vlan, found, f"{path}.vlans[{n}]")
        if vlan.vip is not None and not plane:
            found.error(f"{path}.vlans[{n}].vip", "is for control planes only")
    if device.vip is not None:
        if not plane:
            found.error(f"{path}.vip", "is for control planes only")
        _address(found, f"{path}.vip.ip", device.vip.ip)
    for n, route in enumerate(device.routes):
        _route(route, found, f"{path}.routes[{n}]")


def _addresses(device: network.NetworkDeviceList | network.VlanList, found: findings.Findings, path: str) -> None:
    if device.cidr:
        found.warn(f"{path}.cidr", "is deprecated: use addresses")
        if device.addresses:
            found.error(f"{path}.cidr", "can not be used together with addresses")
        checks.subnets_or_addresses(found, f"{path}.cidr", [device.cidr])
    for n, text in enumerate(device.addresses):
        try:
            ipaddress.ip_interface(text)
        except ValueError:
            found.error(f"{path}.addresses[{n}]", f"expected an address such as 10.0.0.4/24, got {text!r}")


def _address(found: findings.Findings, path: str, text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        found.error(path, f"expected an IP address, got {text!r}")


def _route(route: network.Route, found: findings.Findings, path: str) -> None:
    if not route.network and not route.gateway:
        found.error(path, "network or gateway has to be given")
    if route.network:
        try:
            values.parse_prefix(route.network)
        except ValueError:
            found.error(f"{path}.network", f"expected an address prefix, got {route.network!r}")
    for name, text in (("gateway", route.gateway), ("source", route.source)):
        if text:
            _address(found, f"{path}.{name}", text)


def _bond(bond: network.Bond, found: findings.Findings, path: str) -> None:
    for name, choices in _CHOICES.items():
        text = getattr(bond, name)
        if text and text not in choices:
            found.error(f"{path}.{name}", f"expected one of {', '.join(choices)}, got {text!r}")
    for name, delay in (("updelay", bond.updelay), ("downdelay", bond.downdelay)):
        if delay and not bond.miimon:
            found.error(f"{path}.{name}", "needs miimon")
        elif delay and delay % bond.miimon:
            found.error(f"{path}.{name}", f"has to be a multiple of miimon, {bond.miimon}")
    mode = bond.mode
    refused = {
        "arpIPTarget": bool(bond.arp_ip_target),
        "adActorSystem": bool(bond.ad_actor_system),
        "lacpRate": bool(bond.lacp_rate) and mode != "802.3ad",
        "adActorSysPrio": bool(bond.ad_actor_sys_prio) and mode != "802.3ad",
        "adUserPortKey": bool(bond.ad_user_port_key) and mode != "802.3ad",
        "arpValidate": bool(bond.arp_validate) and mode in _BALANCED,
        "arpInterval": bool(bond.arp_interval) and mode in _BALANCED,
        "primary": bool(bond.primary) and mode not in _WITH_PRIMARY,
        "packetsPerSlave": bond.packets_per_slave > 1 and mode != "balance-rr",
        "tlbDynamicLb": bool(bond.tlb_dynamic_lb) and mode not in ("balance-tlb", "balance-alb"),
    }
    for name, wrong in refused.items():
        if wrong:
            found.error(f"{path}.{name}", f"is not possible in mode {mode}")


def _wireguard(link: network.DeviceWireguardConfig, found: findings.Findings, path: str) -> None:
    _key(found, f"{path}.privateKey", link.private_key)
    for n, peer in enumerate(link.peers):
        _key(found, f"{path}.peers[{n}].publicKey", peer.public_key)
        if peer.endpoint and checks.host_port(peer.endpoint):
            found.error(f"{path}.peers[{n}].endpoint", checks.host_port(peer.endpoint))
        for m, text in enumerate(peer.allowed_ips):
            try:
                values.parse_prefix(text)
            except ValueError:
                found.error(f"{path}.peers[{n}].allowedIPs[{m}]", f"expected an address prefix, got {text!r}")


def _key(found: findings.Findings, path: str, text: str) -> None:
    try:
        length = len(base64.b64decode(text, validate=True))
    except ValueError:
        length = 0
    if length != KEY_BYTES:
        found.error(path, f"expected {KEY_BYTES} bytes in base64")
