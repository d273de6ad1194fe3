"""Addresses on links (ifaddrmsg of linux/if_addr.h)."""

from __future__ import annotations

import enum
import ipaddress
import socket
import struct
from dataclasses import dataclass

from talos.linux.netlink.codec import BYTES, IP, STRING, U8, U32, IPAddress, Table

NEW = 20
DEL = 21
GET = 22
GROUPS = (5, 9)

_HEADER = struct.Struct("=BBBBi")  # family, prefix length, flags, scope, index
_CACHE = struct.Struct("=IIII")  # preferred and valid seconds, created, changed
FOREVER = 0xFFFFFFFF

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


class Flags(enum.IntFlag):
    """IFA_F_*."""

    TEMPORARY = 0x01
    NODAD = 0x02
    OPTIMISTIC = 0x04
    DADFAILED = 0x08
    HOMEADDRESS = 0x10
    DEPRECATED = 0x20
    TENTATIVE = 0x40
    PERMANENT = 0x80
    MANAGETEMPADDR = 0x100
    NOPREFIXROUTE = 0x200
    MCAUTOJOIN = 0x400
    STABLE_PRIVACY = 0x800


NO_FLAGS = Flags(0)


class Scope(enum.IntEnum):
    """RT_SCOPE_*: how far an address or route reaches."""

    GLOBAL = 0
    SITE = 200
    LINK = 253
    HOST = 254
    NOWHERE = 255


ATTRIBUTES = Table(
    address=(1, IP),
    local=(2, IP),
    label=(3, STRING),
    broadcast=(4, IP),
    anycast=(5, IP),
    cache=(6, BYTES),
    multicast=(7, IP),
    flags=(8, U32),
    priority=(9, U32),
    protocol=(11, U8),
)


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a link.

    `interface` is the local address with its prefix; `peer` the other end of a point-to-point link, else None.
    Lifetimes are in seconds, FOREVER for none.
    """

    index: int
    interface: Interface
    flags: Flags = NO_FLAGS
    scope: int = Scope.GLOBAL
    label: str = ""
    broadcast: IPAddress | None = None
    peer: IPAddress | None = None
    anycast: IPAddress | None = None
    multicast: IPAddress | None = None
    priority: int = 0
    protocol: int = 0
    preferred_s: int = FOREVER
    valid_s: int = FOREVER

    @property
    def ip(self) -> IPAddress:
        return self.interface.ip

    @property
    def family(self) -> int:
        return socket.AF_INET if self.interface.version == 4 else socket.AF_INET6


def parse(body: bytes) -> Address:
    """An Address from the body of an RTM_NEWADDR or RTM_DELADDR message."""
    _, prefix, flags, scope, index = _HEADER.unpack_from(body)
    found = ATTRIBUTES.decode(body[_HEADER.size :])
    given = found.get("address") or found.get("anycast") or found.get("multicast")
    local: IPAddress | None = found.get("local", given)
    if local is None:
        raise ValueError("an address message without an address")
    preferred, valid = _CACHE.unpack_from(found["cache"])[:2] if "cache" in found else (FOREVER, FOREVER)
    return Address(
        index=index,
        interface=ipaddress.ip_interface((local, prefix)),
        flags=Flags(found.get("flags", flags)),
        scope=scope,
        label=found.get("label", ""),
        broadcast=found.get("broadcast"),
        peer=given if given != local else None,
        anycast=found.get("anycast"),
        multicast=found.get("multicast"),
        priority=found.get("priority", 0),
        protocol=found.get("protocol", 0),
        preferred_s=preferred,
        valid_s=valid,
    )


def pack(address: Address) -> bytes:
    """A request for exactly this address."""
    flags = int(address.flags)
    lifetimes = (address.preferred_s, address.valid_s)
    cache = _CACHE.pack(*lifetimes, 0, 0) if lifetimes != (FOREVER, FOREVER) else None
    values = {
        "address": address.peer or address.ip,
        "local": address.ip,
        "label": address.label or None,
        "broadcast": address.broadcast,
        "flags": flags or None,
        "priority": address.priority or None,
        "protocol": address.protocol or None,
        "cache": cache,
    }
    head = _HEADER.pack(address.family, address.interface.network.prefixlen, flags & 0xFF, address.scope, address.index)
    return head + ATTRIBUTES.encode(values)


def pack_dump(family: int = socket.AF_UNSPEC, index: int = 0) -> bytes:
    """All addresses of a family, or of one link."""
    return _HEADER.pack(family, 0, 0, 0, index)
