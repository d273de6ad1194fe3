"""Links: what the kernel tells about a network interface, and the requests that make and change one."""

from __future__ import annotations

import enum
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from talos.linux.netlink import kinds
from talos.linux.netlink.codec import (
    BYTES,
    MAC,
    STRING,
    U8,
    U32,
    Codec,
    Table,
    attributes,
    nested,
    pack_attribute,
    text,
)

NEW = 16
DEL = 17
GET = 18
SET = 19
NEW_PROPERTY = 108
DEL_PROPERTY = 109
GROUP = 1

_HEADER = struct.Struct("=BxHiII")  # family, type, index, flags, change
_EXT_MASK_SKIP_STATS = 1 << 3

_PROPERTY_LIST = 52
_ALTERNATIVE_NAME = 53
_LINK_INFO = 18
_INFO_KIND, _INFO_DATA, _INFO_SLAVE_KIND, _INFO_SLAVE_DATA = 1, 2, 4, 5

HARDWARE_ETHER = 1
HARDWARE_LOOPBACK = 772
HARDWARE_NONE = 0xFFFE


class Flags(enum.IntFlag):
    """IFF_* of linux/if.h, those that are used."""

    UP = 0x1
    BROADCAST = 0x2
    LOOPBACK = 0x8
    POINTOPOINT = 0x10
    NOARP = 0x80
    PROMISC = 0x100
    ALLMULTI = 0x200
    MULTICAST = 0x1000
    LOWER_UP = 0x10000
    RUNNING = 0x40


NO_FLAGS = Flags(0)


class OperState(enum.IntEnum):
    """IF_OPER_* (RFC 2863)."""

    UNKNOWN = 0
    NOT_PRESENT = 1
    DOWN = 2
    LOWER_LAYER_DOWN = 3
    TESTING = 4
    DORMANT = 5
    UP = 6


def _decode_names(payload: bytes) -> tuple[str, ...]:
    return tuple(text(part) for number, part in attributes(payload) if number == _ALTERNATIVE_NAME)


def _encode_names(names: Any) -> bytes:
    return b"".join(pack_attribute(_ALTERNATIVE_NAME, STRING.encode(name)) for name in names)


ATTRIBUTES = Table(
    address=(1, MAC),
    broadcast=(2, MAC),
    name=(3, STRING),
    mtu=(4, U32),
    parent=(5, U32),
    qdisc=(6, STRING),
    master=(10, U32),
    tx_queue_length=(13, U32),
    operstate=(16, U8),
    info=(_LINK_INFO, BYTES),
    netns_pid=(19, U32),
    alias=(20, STRING),
    group=(27, U32),
    netns_fd=(28, U32),
    ext_mask=(29, U32),
    carrier=(33, U8),
    phys_port_id=(34, BYTES),
    netns_id=(37, U32),
    alternative_names=(_PROPERTY_LIST, Codec(_encode_names, _decode_names, nested=True)),
    permanent_address=(54, MAC),
    parent_device=(56, STRING),
    parent_bus=(57, STRING),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface at one moment.

    `kind` is empty for hardware. `master` and `parent` are interface indices, 0 for none; `parent` may live in the
    namespace `netns_id`. `data` are the settings of the kind and `port_data` those its master keeps for it, by the
    names of `kinds`.
    """

    index: int
    name: str = ""
    flags: Flags = NO_FLAGS
    hardware_type: int = HARDWARE_ETHER
    address: str = ""
    broadcast: str = ""
    permanent_address: str = ""
    mtu: int = 0
    parent: int = 0
    master: int = 0
    netns_id: int = -1
    qdisc: str = ""
    operstate: OperState = OperState.UNKNOWN
    carrier: bool = False
    group: int = 0
    tx_queue_length: int = 0
    alias: str = ""
    alternative_names: tuple[str, ...] = ()
    kind: str = ""
    port_kind: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    port_data: Mapping[str, Any] = field(default_factory=dict)
    parent_device: str = ""
    parent_bus: str = ""

    @property
    def up(self) -> bool:
        """Somebody set it up (it may still lack a carrier)."""
        return bool(self.flags & Flags.UP)

    @property
    def loopback(self) -> bool:
        return bool(self.flags & Flags.LOOPBACK)


_PLAIN = (
    *("name", "address", "broadcast", "permanent_address", "mtu", "parent", "master", "qdisc", "group"),
    *("tx_queue_length", "alias", "alternative_names", "parent_device", "parent_bus"),
)


def parse(body: bytes) -> Link:
    """A Link from the body of an RTM_NEWLINK or RTM_DELLINK message."""
    _, hardware, index, flags, _ = _HEADER.unpack_from(body)
    found = ATTRIBUTES.decode(body[_HEADER.size :])
    info = dict(attributes(found.get("info", b"")))
    kind, port_kind = text(info.get(_INFO_KIND, b"")), text(info.get(_INFO_SLAVE_KIND, b""))
    netns_id = found.get("netns_id", 0xFFFFFFFF)
    return Link(
        index=index,
        flags=Flags(flags),
        hardware_type=hardware,
        netns_id=-1 if netns_id == 0xFFFFFFFF else netns_id,
        operstate=OperState(found.get("operstate", 0)),
        carrier=bool(found.get("carrier", 0)),
        kind=kind,
        port_kind=port_kind,
        data=kinds.decode_data(kind, info.get(_INFO_DATA, b"")),
        port_data=kinds.decode_port_data(port_kind, info.get(_INFO_SLAVE_DATA, b"")),
        **{name: found[name] for name in _PLAIN if name in found},
    )


def family_of(body: bytes) -> int:
    """Address family of a link message: bridges send their ports' changes as AF_BRIDGE, which are no links."""
    return body[0]


def header(index: int = 0, flags: int = 0, change: int = 0, family: int = 0) -> bytes:
    """The ifinfomsg in front of the attributes."""
    return _HEADER.pack(family, 0, index, flags, change)


def pack_dump() -> bytes:
    """All links, without statistics."""
    return header() + ATTRIBUTES.encode({"ext_mask": _EXT_MASK_SKIP_STATS})


def pack_get(target: int | str) -> bytes:
    """One link by index or (alternative) name."""
    if isinstance(target, int):
        return header(target) + ATTRIBUTES.encode({"ext_mask": _EXT_MASK_SKIP_STATS})
    key = "name" if len(target.encode()) < 16 else "alternative_names"
    wanted = {"name": target} if key == "name" else {}
    body = header() + ATTRIBUTES.encode(wanted | {"ext_mask": _EXT_MASK_SKIP_STATS})
    return body if wanted else body + pack_attribute(_ALTERNATIVE_NAME, STRING.encode(target))


def pack_info(kind: str, data: Mapping[str, Any] | None, *, peer: bytes = b"") -> bytes:
    """IFLA_LINKINFO for a link of `kind`. `peer` is the other end of a veth: header and attributes."""
    payload = pack_attribute(_INFO_KIND, STRING.encode(kind))
    settings = kinds.DATA.get(kind, kinds.NONE).encode(data or {})
    if peer:
        settings += nested(kinds.VETH_PEER, peer)
    if settings:
        payload += nested(_INFO_DATA, settings)
    return nested(_LINK_INFO, payload)


def pack_port_info(kind: str, data: Mapping[str, Any]) -> bytes:
    """IFLA_LINKINFO for the settings a master of `kind` keeps for a port."""
    payload = pack_attribute(_INFO_SLAVE_KIND, STRING.encode(kind))
    payload += nested(_INFO_SLAVE_DATA, kinds.PORT_DATA.get(kind, kinds.NONE).encode(data))
    return nested(_LINK_INFO, payload)


def pack_settings(
    index: int, settings: Mapping[str, Any], *, up: bool | None = None, flags: int = 0, change: int = 0
) -> bytes:
    """Header and attributes of a request; `up` None leaves the state alone, `change` masks `flags`."""
    if up is not None:
        change |= Flags.UP
        flags = flags | Flags.UP if up else flags & ~Flags.UP
    return header(index, flags, change) + ATTRIBUTES.encode(settings)


def pack_names(index: int, names: tuple[str, ...]) -> bytes:
    """Alternative names to add or delete."""
    return header(index) + ATTRIBUTES.encode({"alternative_names": names})
