"""Neighbours and forwarding entries (ndmsg of linux/neighbour.h): ARP, NDP, and the FDB of bridges and vxlan."""

from __future__ import annotations

import enum
import socket
import struct
from dataclasses import dataclass

from talos.linux.netlink.codec import IP, MAC, U16, U32, IPAddress, Table

NEW, DEL, GET = 28, 29, 30
GROUP = 3

_HEADER = struct.Struct("=BxxxiHBB")  # family, index, state, flags, type


class State(enum.IntFlag):
    """NUD_*."""

    INCOMPLETE = 0x01
    REACHABLE = 0x02
    STALE = 0x04
    DELAY = 0x08
    PROBE = 0x10
    FAILED = 0x20
    NOARP = 0x40
    PERMANENT = 0x80


class Flags(enum.IntFlag):
    """NTF_*."""

    USE = 0x01
    SELF = 0x02
    MASTER = 0x04
    PROXY = 0x08
    EXT_LEARNED = 0x10
    ROUTER = 0x80


NO_FLAGS = Flags(0)
NO_STATE = State(0)


ATTRIBUTES = Table(
    ip=(1, IP), address=(2, MAC), probes=(4, U32), vlan=(5, U16), vni=(7, U32), via_index=(8, U32), master=(9, U32)
)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An entry of a neighbour table; with `family` AF_BRIDGE one of a forwarding database."""

    index: int
    ip: IPAddress | None = None
    address: str = ""
    family: int = socket.AF_INET
    state: State = NO_STATE
    flags: Flags = NO_FLAGS
    type: int = 0
    vlan: int = 0
    master: int = 0


def parse(body: bytes) -> Neighbour:
    """A Neighbour from the body of an RTM_NEWNEIGH or RTM_DELNEIGH message."""
    family, index, state, flags, kind = _HEADER.unpack_from(body)
    found = ATTRIBUTES.decode(body[_HEADER.size :])
    return Neighbour(
        index=index,
        ip=found.get("ip"),
        address=found.get("address", ""),
        family=family,
        state=State(state),
        flags=Flags(flags),
        type=kind,
        vlan=found.get("vlan", 0),
        master=found.get("master", 0),
    )


def pack(entry: Neighbour) -> bytes:
    """A request for exactly this entry."""
    head = _HEADER.pack(entry.family, entry.index, int(entry.state), int(entry.flags), entry.type)
    return head + ATTRIBUTES.encode({"ip": entry.ip, "address": entry.address or None, "vlan": entry.vlan or None})


def pack_dump(family: int = socket.AF_UNSPEC) -> bytes:
    """All entries of a family."""
    return _HEADER.pack(family, 0, 0, 0, 0)
