"""Bytes of netlink: message headers, attributes and the errors in an acknowledgement. Pure, no sockets.

Numbers are in host byte order except where a codec says `BE`. The layout is that of linux/netlink.h: a 16-byte header,
a family header, then attributes (length, type, payload) padded to four bytes.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
ATTRIBUTE = struct.Struct("=HH")  # length with this header, type

F_REQUEST = 0x001
F_MULTI = 0x002
F_ACK = 0x004
F_DUMP_INTR = 0x010
F_DUMP_FILTERED = 0x020
F_REPLACE = 0x100
F_EXCL = 0x200
F_CREATE = 0x400
F_APPEND = 0x800
F_DUMP = 0x300
F_CAPPED = 0x100  # in an acknowledgement: the request is not echoed
F_ACK_TLVS = 0x200  # in an acknowledgement: extended error attributes follow

NLMSG_NOOP = 1
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLMSG_OVERRUN = 4

ATTRIBUTE_NESTED = 0x8000
ATTRIBUTE_TYPE_MASK = 0x3FFF

_EXT_ACK_MESSAGE = 1
_EXT_ACK_OFFSET = 2

ABSENT = (errno.ENOENT, errno.ENODEV, errno.ESRCH, errno.EADDRNOTAVAIL)
"""What the kernel says when the thing to change or delete is not there."""

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class NetlinkError(OSError):
    """The kernel refused a request.

    `errno` is the kernel's number, `reason` its own words from the extended acknowledgement ("" when it gave none),
    `action` what was asked.
    """

    def __init__(self, number: int, action: str = "", reason: str = "") -> None:
        self.action = action
        self.reason = reason
        text = os.strerror(number)
        super().__init__(number, f"{action}: {reason} ({text})" if reason else f"{action}: {text}" if action else text)

    @property
    def absent(self) -> bool:
        """The thing to change or delete is not there."""
        return self.errno in ABSENT


@dataclass(frozen=True, slots=True)
class Message:
    """One netlink message without its header's length."""

    type: int
    flags: int
    sequence: int
    port: int
    body: bytes


def align(length: int) -> int:
    """Round up to the four bytes every netlink part is padded to."""
    return (length + 3) & ~3


def pack_message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """A request ready for the socket."""
    return HEADER.pack(HEADER.size + len(body), kind, flags, sequence, 0) + body


def messages(data: bytes) -> Iterator[Message]:
    """Split one datagram; a cut message raises ValueError."""
    offset = 0
    while offset + HEADER.size <= len(data):
        length, kind, flags, sequence, port = HEADER.unpack_from(data, offset)
        if length < HEADER.size or offset + length > len(data):
            raise ValueError(f"netlink message of {length} bytes at {offset} in a datagram of {len(data)}")
        yield Message(kind, flags, sequence, port, data[offset + HEADER.size : offset + length])
        offset += align(length)


def acknowledgement(message: Message, action: str = "") -> NetlinkError | None:
    """The error in an NLMSG_ERROR or NLMSG_DONE message, None for success."""
    if len(message.body) < 4:
        return None
    (code,) = struct.unpack_from("=i", message.body)
    if code >= 0:
        return None
    reason = ""
    if message.flags & F_ACK_TLVS:
        offset = 4
        if message.type == NLMSG_ERROR:
            echoed = HEADER.unpack_from(message.body, 4)[0] if not message.flags & F_CAPPED else HEADER.size
            offset += align(echoed)
        reason = text(dict(attributes(message.body[offset:])).get(_EXT_ACK_MESSAGE, b""))
    return NetlinkError(-code, action, reason)


def pack_attribute(number: int, payload: bytes) -> bytes:
    """One attribute with padding."""
    length = ATTRIBUTE.size + len(payload)
    return ATTRIBUTE.pack(length, number) + payload + b"\0" * (align(length) - length)


def nested(number: int, payload: bytes) -> bytes:
    """An attribute that holds attributes, flagged as the strict parser wants it."""
    return pack_attribute(number | ATTRIBUTE_NESTED, payload)


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Split a run of attributes; trailing rubbish ends it, as in the kernel."""
    offset, size = 0, len(data)
    while offset + ATTRIBUTE.size <= size:
        length, number = ATTRIBUTE.unpack_from(data, offset)
        if length < ATTRIBUTE.size or offset + length > size:
            return
        yield number & ATTRIBUTE_TYPE_MASK, data[offset + ATTRIBUTE.size : offset + length]
        offset += align(length)


def text(payload: bytes) -> str:
    """A NUL-terminated string; bytes that are not UTF-8 (aliases may hold any) are kept escaped."""
    return payload.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def mac_text(payload: bytes) -> str:
    """A hardware address as colon-separated lower-case hex."""
    return payload.hex(":")


def mac_bytes(value: str | bytes) -> bytes:
    """The reverse of `mac_text`."""
    return value if isinstance(value, bytes) else bytes.fromhex(value.replace(":", "").replace("-", ""))


def address(payload: bytes) -> IPAddress:
    """An IPv4 or IPv6 address by its length."""
    if len(payload) == 4:
        return ipaddress.IPv4Address(payload)
    return ipaddress.IPv6Address(payload)


class Codec(NamedTuple):
    """How one attribute value becomes bytes and back."""

    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    nested: bool = False


def _number(format_: str) -> Codec:
    layout = struct.Struct(format_)

    def decode(payload: bytes) -> Any:
        return layout.unpack_from(payload)[0]

    return Codec(lambda value: layout.pack(int(value)), decode)


U8 = _number("=B")
U16 = _number("=H")
U32 = _number("=I")
U64 = _number("=Q")
S8 = _number("=b")
S32 = _number("=i")
BE16 = _number("!H")
BE32 = _number("!I")
BOOL8 = Codec(lambda value: b"\1" if value else b"\0", lambda payload: payload[:1] != b"\0")
FLAG = Codec(lambda _: b"", lambda _: True)
STRING = Codec(lambda value: value.encode("utf-8", "surrogateescape") + b"\0", text)
BYTES = Codec(bytes, bytes)
MAC = Codec(mac_bytes, mac_text)
IP = Codec(lambda value: ipaddress.ip_address(value).packed, address)


def array(item: Codec) -> Codec:
    """Nested attributes numbered 0, 1, 2, …"""

    def encode(values: Any) -> bytes:
        return b"".join(pack_attribute(i, item.encode(value)) for i, value in enumerate(values))

    def decode(payload: bytes) -> list[Any]:
        return [item.decode(part) for _, part in attributes(payload)]

    return Codec(encode, decode, nested=True)


class Table:
    """Attributes of one place by name: `Table(mode=(1, U8), …)`. Unknown ones are dropped when read."""

    def __init__(self, **fields: tuple[int, Codec]) -> None:
        self.fields = fields
        self._by_number = {number: (name, codec) for name, (number, codec) in fields.items()}

    def encode(self, values: Mapping[str, Any]) -> bytes:
        """Bytes of the values that are not None; an unknown name raises ValueError."""
        parts = []
        for name, value in values.items():
            if value is None:
                continue
            if name not in self.fields:
                raise ValueError(f"no netlink attribute {name!r} here; known: {', '.join(sorted(self.fields))}")
            number, codec = self.fields[name]
            if codec is FLAG and not value:
                continue
            parts.append((nested if codec.nested else pack_attribute)(number, codec.encode(value)))
        return b"".join(parts)

    def decode(self, data: bytes) -> dict[str, Any]:
        """Values by name. A short payload of a known attribute raises ValueError."""
        found: dict[str, Any] = {}
        for number, payload in attributes(data):
            if known := self._by_number.get(number):
                name, codec = known
                try:
                    found[name] = codec.decode(payload)
                except (struct.error, ipaddress.AddressValueError) as err:
                    raise ValueError(f"netlink attribute {name}: {payload.hex()}: {err}") from err
        return found

    @property
    def codec(self) -> Codec:
        """This table as the value of an attribute of another table."""
        return Codec(self.encode, self.decode, nested=True)
