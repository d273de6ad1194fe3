"""Routes and routing rules (rtmsg of linux/rtnetlink.h, fib_rule_hdr of linux/fib_rules.h)."""

from __future__ import annotations

import enum
import ipaddress
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from talos.linux.netlink.address import Scope
from talos.linux.netlink.codec import (
    BYTES,
    IP,
    STRING,
    U8,
    U32,
    IPAddress,
    Table,
    address,
)

NEW, DEL, GET = 24, 25, 26
RULE_NEW, RULE_DEL, RULE_GET = 32, 33, 34
GROUPS = (7, 11)
RULE_GROUPS = (8, 19)

TABLE_UNSPEC, TABLE_DEFAULT, TABLE_MAIN, TABLE_LOCAL = 0, 253, 254, 255
PREFERENCE_MEDIUM, PREFERENCE_HIGH, PREFERENCE_LOW = 0, 1, 3

_HEADER = struct.Struct("=BBBBBBBBI")  # family, dst_len, src_len, tos, table, protocol, scope, type, flags
_NEXT_HOP = struct.Struct("=HBBi")  # length, flags, hops, index
_VIA_FAMILY = struct.Struct("=H")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Type(enum.IntEnum):
    """RTN_*."""

    UNSPEC = 0
    UNICAST = 1
    LOCAL = 2
    BROADCAST = 3
    ANYCAST = 4
    MULTICAST = 5
    BLACKHOLE = 6
    UNREACHABLE = 7
    PROHIBIT = 8
    THROW = 9
    NAT = 10
    XRESOLVE = 11


class Protocol(enum.IntEnum):
    """RTPROT_*: who made the route; others are plain numbers."""

    UNSPEC = 0
    REDIRECT = 1
    KERNEL = 2
    BOOT = 3
    STATIC = 4
    RA = 9
    DHCP = 16
    BGP = 186


class Flags(enum.IntFlag):
    """RTNH_F_* and RTM_F_* seen on routes."""

    DEAD = 0x1
    PERVASIVE = 0x2
    ONLINK = 0x4
    OFFLOAD = 0x8
    LINKDOWN = 0x10
    UNRESOLVED = 0x20
    CLONED = 0x200


NO_FLAGS = Flags(0)


METRICS = Table(mtu=(2, U32), window=(3, U32), rtt=(4, U32), advmss=(8, U32), hoplimit=(10, U32), initcwnd=(11, U32))
ATTRIBUTES = Table(
    destination=(1, IP),
    source=(2, IP),
    in_index=(3, U32),
    out_index=(4, U32),
    gateway=(5, IP),
    priority=(6, U32),
    preferred_source=(7, IP),
    metrics=(8, METRICS.codec),
    multipath=(9, BYTES),
    table=(15, U32),
    mark=(16, U32),
    via=(18, BYTES),
    preference=(20, U8),
    expires_s=(23, U32),
)
_HOP_ATTRIBUTES = Table(gateway=(5, IP), via=(18, BYTES))


@dataclass(frozen=True, slots=True)
class NextHop:
    """One way of a multipath route. `weight` starts at 1."""

    index: int = 0
    gateway: IPAddress | None = None
    weight: int = 1
    flags: Flags = NO_FLAGS


@dataclass(frozen=True, slots=True)
class Route:
    """A route. `destination` None is the default route of `family`; index 0 means no link was named."""

    family: int = socket.AF_INET
    destination: Network | None = None
    source: Network | None = None
    gateway: IPAddress | None = None
    index: int = 0
    table: int = TABLE_MAIN
    type: int = Type.UNICAST
    protocol: int = Protocol.STATIC
    scope: int = Scope.GLOBAL
    priority: int = 0
    preferred_source: IPAddress | None = None
    mtu: int = 0
    advmss: int = 0
    tos: int = 0
    flags: Flags = NO_FLAGS
    next_hops: tuple[NextHop, ...] = ()
    preference: int = PREFERENCE_MEDIUM


def _network(prefix: IPAddress | None, length: int) -> Network | None:
    return ipaddress.ip_network((prefix, length), strict=False) if prefix is not None else None


def _gateway(found: dict[str, object]) -> IPAddress | None:
    via = found.get("via")
    if isinstance(via, bytes):
        return address(via[_VIA_FAMILY.size :])
    return found.get("gateway")  # type: ignore[return-value]


def _parse_hops(payload: bytes) -> tuple[NextHop, ...]:
    hops, offset = [], 0
    while offset + _NEXT_HOP.size <= len(payload):
        length, flags, hop, index = _NEXT_HOP.unpack_from(payload, offset)
        if length < _NEXT_HOP.size:
            break
        found = _HOP_ATTRIBUTES.decode(payload[offset + _NEXT_HOP.size : offset + length])
        hops.append(NextHop(index, _gateway(found), hop + 1, Flags(flags)))
        offset += (length + 3) & ~3
    return tuple(hops)


def parse(body: bytes) -> Route:
    """A Route from the body of an RTM_NEWROUTE or RTM_DELROUTE message."""
    family, dst_len, src_len, tos, table, protocol, scope, kind, flags = _HEADER.unpack_from(body)
    found = ATTRIBUTES.decode(body[_HEADER.size :])
    metrics = found.get("metrics", {})
    return Route(
        family=family,
        destination=_network(found.get("destination"), dst_len),
        source=_network(found.get("source"), src_len),
        gateway=_gateway(found),
        index=found.get("out_index", 0),
        table=found.get("table", table),
        type=kind,
        protocol=protocol,
        scope=scope,
        priority=found.get("priority", 0),
        preferred_source=found.get("preferred_source"),
        mtu=metrics.get("mtu", 0),
        advmss=metrics.get("advmss", 0),
        tos=tos,
        flags=Flags(flags),
        next_hops=_parse_hops(found.get("multipath", b"")),
        preference=found.get("preference", PREFERENCE_MEDIUM),
    )


def _pack_gateway(family: int, gateway: IPAddress | None) -> dict[str, object]:
    if gateway is None:
        return {}
    gateway_family = socket.AF_INET if gateway.version == 4 else socket.AF_INET6
    if gateway_family == family:
        return {"gateway": gateway}
    return {"via": _VIA_FAMILY.pack(gateway_family) + gateway.packed}


def _pack_hops(family: int, hops: Iterable[NextHop]) -> bytes:
    packed = b""
    for hop in hops:
        body = _HOP_ATTRIBUTES.encode(_pack_gateway(family, hop.gateway))
        packed += _NEXT_HOP.pack(_NEXT_HOP.size + len(body), hop.flags & Flags.ONLINK, hop.weight - 1, hop.index) + body
    return packed


def pack(route: Route) -> bytes:
    """A request for exactly this route."""
    metrics = {"mtu": route.mtu or None, "advmss": route.advmss or None}
    values: dict[str, object] = {
        "destination": route.destination.network_address if route.destination else None,
        "source": route.source.network_address if route.source else None,
        "out_index": route.index or None,
        "priority": route.priority or None,
        "preferred_source": route.preferred_source,
        "metrics": metrics if any(metrics.values()) else None,
        "multipath": _pack_hops(route.family, route.next_hops) if route.next_hops else None,
        "table": route.table or None,
        "preference": route.preference or None,
        **_pack_gateway(route.family, route.gateway),
    }
    head = _HEADER.pack(
        route.family,
        route.destination.prefixlen if route.destination else 0,
        route.source.prefixlen if route.source else 0,
        route.tos,
        route.table if route.table < 256 else TABLE_UNSPEC,
        route.protocol,
        route.scope,
        route.type,
        int(route.flags & Flags.ONLINK),
    )
    return head + ATTRIBUTES.encode(values)


def pack_dump(family: int = socket.AF_UNSPEC, table: int = TABLE_UNSPEC) -> bytes:
    """All routes of a family; a table narrows it where the kernel checks dump requests strictly."""
    head = _HEADER.pack(family, 0, 0, 0, TABLE_UNSPEC, 0, 0, 0, 0)
    return head + ATTRIBUTES.encode({"table": table or None})


RULE_ATTRIBUTES = Table(
    destination=(1, IP),
    source=(2, IP),
    in_link=(3, STRING),
    priority=(6, U32),
    mark=(10, U32),
    suppress_prefix_length=(14, U32),
    table=(15, U32),
    mask=(16, U32),
    out_link=(17, STRING),
    protocol=(21, U8),
)
RULE_INVERT = 0x2
RULE_ACTION_TABLE = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """A routing rule: packets that match look into `table`. `mask` None means the whole mark."""

    family: int = socket.AF_INET
    priority: int = 0
    table: int = TABLE_MAIN
    source: Network | None = None
    destination: Network | None = None
    in_link: str = ""
    out_link: str = ""
    mark: int | None = None
    mask: int | None = None
    tos: int = 0
    action: int = RULE_ACTION_TABLE
    invert: bool = False
    suppress_prefix_length: int | None = None
    protocol: int = 0


def parse_rule(body: bytes) -> Rule:
    """A Rule from the body of an RTM_NEWRULE or RTM_DELRULE message."""
    family, dst_len, src_len, tos, table, _, _, action, flags = _HEADER.unpack_from(body)
    found = RULE_ATTRIBUTES.decode(body[_HEADER.size :])
    suppress = found.get("suppress_prefix_length")
    return Rule(
        family=family,
        priority=found.get("priority", 0),
        table=found.get("table", table),
        source=_network(found.get("source"), src_len),
        destination=_network(found.get("destination"), dst_len),
        in_link=found.get("in_link", ""),
        out_link=found.get("out_link", ""),
        mark=found.get("mark"),
        mask=found.get("mask"),
        tos=tos,
        action=action,
        invert=bool(flags & RULE_INVERT),
        suppress_prefix_length=None if suppress == 0xFFFFFFFF else suppress,
        protocol=found.get("protocol", 0),
    )


def pack_rule(rule: Rule) -> bytes:
    """A request for exactly this rule."""
    values = {
        "destination": rule.destination.network_address if rule.destination else None,
        "source": rule.source.network_address if rule.source else None,
        "in_link": rule.in_link or None,
        "out_link": rule.out_link or None,
        "priority": rule.priority or None,
        "mark": rule.mark,
        "mask": rule.mask,
        "table": rule.table,
        "suppress_prefix_length": rule.suppress_prefix_length,
        "protocol": rule.protocol or None,
    }
    head = _HEADER.pack(
        rule.family,
        rule.destination.prefixlen if rule.destination else 0,
        rule.source.prefixlen if rule.source else 0,
        rule.tos,
        rule.table if rule.table < 256 else TABLE_UNSPEC,
        0,
        0,
        rule.action,
        RULE_INVERT if rule.invert else 0,
    )
    return head + RULE_ATTRIBUTES.encode(values)


def pack_rule_dump(family: int = socket.AF_UNSPEC) -> bytes:
    """All rules of a family."""
    return _HEADER.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
