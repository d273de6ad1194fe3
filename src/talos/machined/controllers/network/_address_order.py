"""Which of a node's addresses count, and in which order they are listed. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from talos.machinery.types import network

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SIDEROLINK_PREFIX = 3
_ULA = ipaddress.IPv6Network("fc00::/7")


def countable(interface: Interface, scope: network.Scope) -> bool:
    """An address other machines may know: not of a link or host only, not loopback, multicast or link-local."""
    ip = interface.ip
    return scope.number < network.Scope.LINK.number and not (ip.is_loopback or ip.is_multicast or ip.is_link_local)


def is_siderolink(interface: Interface) -> bool:
    """A unique local address whose subnet field is the one SideroLink uses (KubeSpan's is 2)."""
    ip = interface.ip
    return isinstance(ip, ipaddress.IPv6Address) and ip in _ULA and ip.packed[7] == _SIDEROLINK_PREFIX


def ordered(interfaces: Iterable[Interface], algorithm: network.AddressSortAlgorithm) -> list[Interface]:
    """Without duplicates of an IP address, in the order of the algorithm.

    v1: IPv4 before IPv6, by address, longer prefix first. v2: by family, then longer prefixes first, then by address:
    a shared /32 precedes the network it lies in.
    """
    if algorithm is network.AddressSortAlgorithm.V2:
        found = sorted(interfaces, key=lambda i: (i.version, -i.network.prefixlen, int(i.ip)))
    else:
        found = sorted(interfaces, key=lambda i: (i.version, int(i.ip), -i.network.prefixlen))
    unique: dict[object, Interface] = {}
    for interface in found:
        unique.setdefault(interface.ip, interface)
    return list(unique.values())


def filtered(interfaces: Iterable[Interface], include: Sequence[str], exclude: Sequence[str]) -> list[Interface]:
    """Those inside one of the `include` subnets (none given: all) and outside of all `exclude` subnets."""
    included = [ipaddress.ip_network(one, strict=False) for one in include]
    excluded = [ipaddress.ip_network(one, strict=False) for one in exclude]
    return [
        interface
        for interface in interfaces
        if (not included or _within(interface, included)) and not _within(interface, excluded)
    ]


def _within(interface: Interface, networks: Iterable[Network]) -> bool:
    return any(interface.version == one.version and interface.ip in one for one in networks)
