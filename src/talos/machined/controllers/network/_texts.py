"""How kernel values are written in network resources: flags, families, prefixes."""

from __future__ import annotations

import ipaddress

from talos.linux.netlink import address as netlink_address
from talos.linux.netlink import link as netlink_link
from talos.linux.netlink import route as netlink_route
from talos.machinery.resources.network.route_spec import RouteSpec
from talos.machinery.resources.network.route_status import RouteStatus
from talos.machinery.types import network

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_LINK_FLAGS = (
    *(("UP", 0x1), ("BROADCAST", 0x2), ("DEBUG", 0x4), ("LOOPBACK", 0x8), ("POINTTOPOINT", 0x10)),
    *(("NOTRAILERS", 0x20), ("RUNNING", 0x40), ("NOARP", 0x80), ("PROMISC", 0x100), ("ALLMULTI", 0x200)),
    *(("MASTER", 0x400), ("SLAVE", 0x800), ("MULTICAST", 0x1000), ("PORTSEL", 0x2000), ("AUTOMEDIA", 0x4000)),
    *(("DYNAMIC", 0x8000), ("LOWER_UP", 0x10000), ("DORMANT", 0x20000), ("ECHO", 0x40000)),
)

_ADDRESS_FLAGS = {
    "temporary": 0x1,
    "nodad": 0x2,
    "optimistic": 0x4,
    "dadfailed": 0x8,
    "homeaddress": 0x10,
    "deprecated": 0x20,
    "tentative": 0x40,
    "permanent": 0x80,
    "mngmtmpaddr": 0x100,
    "noprefixroute": 0x200,
    "mcautojoin": 0x400,
    "stableprivacy": 0x800,
}
_ROUTE_FLAGS = {
    "notify": 0x100,
    "cloned": 0x200,
    "equalize": 0x400,
    "prefix": 0x800,
    "lookup_table": 0x1000,
    "fib_match": 0x2000,
    "offload": 0x4000,
    "trap": 0x8000,
}


def link_flags(flags: netlink_link.Flags) -> str:
    """`UP,BROADCAST,…` in the order of the bits."""
    return ",".join(name for name, bit in _LINK_FLAGS if flags & bit)


def address_flags(flags: int) -> str:
    """`permanent,noprefixroute`, … in the order of the bits."""
    return ",".join(word for word, bit in _ADDRESS_FLAGS.items() if flags & bit)


def address_flag_bits(text: str) -> netlink_address.Flags:
    """The reverse of `address_flags`. Raises KeyError for an unknown word."""
    bits = 0
    for word in filter(None, text.split(",")):
        bits |= _ADDRESS_FLAGS[word]
    return netlink_address.Flags(bits)


def route_flags(flags: netlink_route.Flags) -> str:
    """Flags that say something about the route itself; those of the next hop (link down, on-link) are left out."""
    return ",".join(word for word, bit in _ROUTE_FLAGS.items() if int(flags) & bit)


def family_of(ip: IPAddress | Interface) -> network.Family:
    """The address family of an address or prefix."""
    return network.Family.INET4 if ip.version == 4 else network.Family.INET6


def text(value: object) -> str:
    """An optional address or network as text."""
    return "" if value is None else str(value)


def route_id(spec: RouteSpec.Spec | RouteStatus.Spec) -> str:
    """`eth0/inet4/10.5.0.1//1024`: table (unless main), link, family, gateway, destination, priority."""
    words = [] if spec.table is network.RoutingTable.MAIN else [str(spec.table)]
    if spec.out_link_name:
        words.append(spec.out_link_name)
    return "/".join([*words, str(spec.family), spec.gateway, spec.destination, str(spec.priority)])


def layered(layer: network.ConfigLayer, id: str) -> str:
    """Id of a spec in the configuration namespace."""
    return f"{layer}/{id}"
