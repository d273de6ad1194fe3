"""DHCPv4 for links that have no address yet: message format, and one exchange over a packet socket.

Formats: RFC 2131 and RFC 2132; classless routes RFC 3442. A packet socket is needed because the kernel neither sends
from nor delivers to a link without an address. Nothing here keeps time: leases, renewal and what is done with an
answer are the caller's.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import random
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from talos.base import errors

DISCOVER, OFFER, REQUEST, ACK, NAK, RELEASE = 1, 2, 3, 5, 6, 7
CLIENT_PORT, SERVER_PORT = 68, 67

_HEADER = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s")
_COOKIE = bytes([99, 130, 83, 99])
_IP = struct.Struct("!BBHHHBBH4s4s")
_UDP = struct.Struct("!HHHH")
_ETH_IP, _UDP_PROTOCOL = 0x0800, 17
_BROADCAST_FLAG = 0x8000
_MINIMUM_BYTES = 300  # what BOOTP relays may insist on

_MASK, _ROUTER, _DNS, _HOSTNAME, _DOMAIN, _MTU, _NTP = 1, 3, 6, 12, 15, 26, 42
_ADDRESS, _LEASE, _KIND, _SERVER, _WANTED = 50, 51, 53, 54, 55
_T1, _T2, _CLIENT_ID, _ROUTES = 58, 59, 61, 121
_ASKED_FOR = (_MASK, _ROUTER, _DNS, _DOMAIN, _MTU, _NTP, _LEASE, _SERVER, _T1, _T2, _ROUTES)
_FOREVER = 0xFFFFFFFF
_SHORTEST_LEASE_S = 60.0
_NOWHERE = ipaddress.IPv4Address(0)
Address = ipaddress.IPv4Address


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is on the wire; `options` by number, each joined when it came in pieces."""

    operation: int
    transaction: int
    hardware_address: bytes
    client: Address = _NOWHERE
    yours: Address = _NOWHERE
    flags: int = _BROADCAST_FLAG
    options: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def kind(self) -> int:
        """DISCOVER, OFFER, …; 0 for plain BOOTP."""
        return (self.options.get(_KIND) or b"\0")[0]


def encode(message: Message) -> bytes:
    """The message's bytes."""
    head = _HEADER.pack(
        message.operation, 1, 6, 0, message.transaction, 0, message.flags, message.client.packed, message.yours.packed,
        bytes(4), bytes(4), message.hardware_address.ljust(16, b"\0"), bytes(64), bytes(128),
    )  # fmt: skip
    body = b"".join(bytes([code, len(value)]) + value for code, value in message.options.items())
    return (head + _COOKIE + body + b"\xff").ljust(_MINIMUM_BYTES, b"\0")


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data) and data[at] != 0xFF:
        if data[at] == 0:
            at += 1
            continue
        if at + 2 > len(data) or at + 2 + data[at + 1] > len(data):
            raise errors.Invalid("DHCP option ends outside of the message")
        yield data[at], data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]


def decode(data: bytes) -> Message:
    """Read a message. Raises `Invalid`."""
    if len(data) < _HEADER.size + 4 or data[_HEADER.size : _HEADER.size + 4] != _COOKIE:
        raise errors.Invalid("no DHCP message")
    operation, _, length, _, transaction, _, flags, client, yours, _, _, hardware, _, _ = _HEADER.unpack_from(data)
    options: dict[int, bytes] = {}
    for code, value in _options(data[_HEADER.size + 4 :]):
        options[code] = options.get(code, b"") + value
    return Message(operation, transaction, hardware[: min(length, 16)], Address(client), Address(yours), flags, options)


@dataclass(frozen=True, slots=True)
class Lease:
    """What a server granted. Times in seconds from the grant."""

    address: ipaddress.IPv4Interface
    server: Address
    lease_s: float
    renew_s: float
    rebind_s: float
    gateways: tuple[Address, ...] = ()
    routes: tuple[tuple[ipaddress.IPv4Network, Address], ...] = ()
    dns: tuple[Address, ...] = ()
    ntp: tuple[Address, ...] = ()
    hostname: str = ""
    domain: str = ""
    mtu: int = 0


def _addresses(raw: bytes) -> tuple[Address, ...]:
    return tuple(Address(raw[at : at + 4]) for at in range(0, len(raw) - len(raw) % 4, 4))


def _classless(raw: bytes) -> tuple[tuple[ipaddress.IPv4Network, Address], ...]:
    found, at = [], 0
    while at < len(raw):
        width, used = raw[at], -(-raw[at] // 8)
        if width > 32 or at + 1 + used + 4 > len(raw):
            raise errors.Invalid("classless route ends outside of its option")
        target = int.from_bytes(raw[at + 1 : at + 1 + used].ljust(4, b"\0"), "big")
        network = ipaddress.IPv4Network((target, width), strict=False)
        found.append((network, Address(raw[at + 1 + used : at + 5 + used])))
        at += 5 + used
    return tuple(found)


def _number(raw: bytes | None, otherwise: float) -> float:
    return float(int.from_bytes(raw, "big")) if raw else otherwise


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode("ascii", errors="ignore").strip()


def lease(message: Message) -> Lease:
    """What an OFFER or ACK grants. Raises `Invalid` when it grants no usable address."""
    options = message.options
    server, mask = options.get(_SERVER, b""), options.get(_MASK, b"\xff\xff\xff\xff")
    if message.yours == _NOWHERE or len(server) != 4 or len(mask) != 4:
        raise errors.Invalid("DHCP answer without address or server")
    width = bin(int.from_bytes(mask, "big")).count("1")
    seconds = _number(options.get(_LEASE), _FOREVER)
    seconds = float("inf") if seconds == _FOREVER else max(seconds, _SHORTEST_LEASE_S)
    renew = min(_number(options.get(_T1), seconds / 2), seconds)
    routes = _classless(options.get(_ROUTES, b""))
    return Lease(
        address=ipaddress.IPv4Interface((message.yours, width)),
        server=Address(server),
        lease_s=seconds,
        renew_s=renew,
        rebind_s=max(renew, min(_number(options.get(_T2), seconds * 7 / 8), seconds)),
        # RFC 3442: who sends classless routes means them instead of the routers.
        gateways=() if routes else _addresses(options.get(_ROUTER, b"")),
        routes=routes,
        dns=_addresses(options.get(_DNS, b"")),
        ntp=_addresses(options.get(_NTP, b"")),
        hostname=_text(options.get(_HOSTNAME, b"")),
        domain=_text(options.get(_DOMAIN, b"")),
        mtu=int(_number(options.get(_MTU), 0)),
    )


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)


def datagram(payload: bytes) -> bytes:
    """IPv4 and UDP headers around a message from nowhere to everybody. UDP's checksum is left out, as IPv4 allows."""
    length = _IP.size + _UDP.size + len(payload)

    def head(check: int) -> bytes:
        return _IP.pack(0x45, 0x10, length, 0, 0, 64, _UDP_PROTOCOL, check, bytes(4), b"\xff" * 4)

    return head(_checksum(head(0))) + _UDP.pack(CLIENT_PORT, SERVER_PORT, _UDP.size + len(payload), 0) + payload


def payload(packet: bytes, port: int = CLIENT_PORT) -> bytes | None:
    """What an IPv4 packet carries to UDP `port`, None for any other packet."""
    if len(packet) < _IP.size or packet[0] >> 4 != 4 or packet[9] != _UDP_PROTOCOL:
        return None
    at = (packet[0] & 15) * 4
    if len(packet) < at + _UDP.size:
        return None
    _, to, length, _ = _UDP.unpack_from(packet, at)
    return packet[at + _UDP.size : at + length] if to == port else None


class Exchange:
    """Questions and answers on one link. Raises OSError when the link is gone."""

    def __init__(self, link: str, hardware_address: str, *, hostname: str = "", client_id: bytes = b"") -> None:
        self._link, self._hostname = link, hostname
        self._hardware = bytes.fromhex(hardware_address.replace(":", ""))
        self._client_id = client_id or b"\1" + self._hardware
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, socket.htons(_ETH_IP))
        with contextlib.ExitStack() as undo:
            undo.callback(self._socket.close)
            self._socket.bind((link, _ETH_IP))
            undo.pop_all()

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    def _message(self, transaction: int, kind: int, client: Address, extra: Mapping[int, bytes]) -> Message:
        options = {_KIND: bytes([kind]), _CLIENT_ID: self._client_id, _WANTED: bytes(_ASKED_FOR), **extra}
        if self._hostname:
            options[_HOSTNAME] = self._hostname.encode()[:63]
        return Message(1, transaction, self._hardware, client, options=options)

    async def _ask(self, message: Message, answers: Sequence[int], timeout_s: float) -> Message:
        loop = asyncio.get_running_loop()
        self._socket.sendto(datagram(encode(message)), (self._link, _ETH_IP, 0, 0, b"\xff" * 6))
        async with asyncio.timeout(timeout_s):
            while True:
                body = payload(await loop.sock_recv(self._socket, 65536))
                if body is None:
                    continue
                try:
                    answer = decode(body)
                except (errors.Invalid, struct.error):
                    continue
                ours = answer.transaction == message.transaction and answer.hardware_address == self._hardware
                if ours and answer.operation == 2 and answer.kind in answers:
                    return answer

    async def acquire(self, timeout_s: float) -> Lease:
        """Discover a server and take its offer. Raises `TimedOut`, `Conflict` when the server thinks again."""
        transaction = random.getrandbits(32)
        try:
            offered = lease(await self._ask(self._message(transaction, DISCOVER, _NOWHERE, {}), [OFFER], timeout_s))
            extra = {_ADDRESS: offered.address.ip.packed, _SERVER: offered.server.packed}
            return await self._granted(self._message(transaction, REQUEST, _NOWHERE, extra), timeout_s)
        except TimeoutError as exc:
            raise errors.TimedOut(f"no DHCP server answers on {self._link}") from exc

    async def renew(self, held: Lease, timeout_s: float) -> Lease:
        """Ask for more time. Raises `TimedOut`, `Conflict` when the address is no longer ours."""
        try:
            return await self._granted(self._message(random.getrandbits(32), REQUEST, held.address.ip, {}), timeout_s)
        except TimeoutError as exc:
            raise errors.TimedOut(f"no DHCP server answers on {self._link}") from exc

    async def _granted(self, message: Message, timeout_s: float) -> Lease:
        answer = await self._ask(message, [ACK, NAK], timeout_s)
        if answer.kind == NAK:
            raise errors.Conflict(f"the DHCP server refuses the address on {self._link}")
        return lease(answer)
