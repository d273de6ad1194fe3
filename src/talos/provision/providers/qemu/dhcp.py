"""DHCP for the nodes of a cluster: every hardware address has its one address, known beforehand (RFC 2131, RFC 2132).

`answer` is the protocol and pure; `serve` is the socket. Whoever is not of the cluster gets no answer at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import ipaddress
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from talos.base import errors
from talos.linux import dhcp4
from talos.linux.dhcp4 import ACK, DISCOVER, NAK, OFFER, REQUEST, Address, Message

LEASE_S = 3600
_INFORM = 8
_MASK, _ROUTER, _DNS, _HOSTNAME, _BROADCAST, _MTU = 1, 3, 6, 12, 28, 26
_ADDRESS, _LEASE, _KIND, _SERVER, _T1, _T2 = 50, 51, 53, 54, 58, 59
_NOWHERE = Address(0)


@dataclass(frozen=True, slots=True)
class Host:
    """A node: its name and address."""

    name: str
    ip: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What is given out: `hosts` by hardware address in lower case with colons; we are gateway, server and DNS."""

    cidr: str
    gateway: str
    mtu: int
    hosts: Mapping[str, Host]
    host_names: bool = True


def answer(scope: Scope, asked: Message) -> Message | None:
    """The reply to a client's message, None when it is not ours to answer."""
    host = scope.hosts.get(":".join(f"{byte:02x}" for byte in asked.hardware_address[:6]))
    if asked.operation != 1 or host is None or asked.kind not in (DISCOVER, REQUEST, _INFORM):
        return None
    server, ours = Address(scope.gateway), Address(host.ip)
    chosen = asked.options.get(_SERVER)
    if chosen is not None and chosen != server.packed:
        return None
    reply = dataclasses.replace(asked, operation=2, options=_settings(scope, host))
    if asked.kind == _INFORM:
        return _with(reply, ACK, _NOWHERE, lease=False)
    if asked.kind == DISCOVER:
        return _with(reply, OFFER, ours)
    wanted = asked.options.get(_ADDRESS, asked.client.packed)
    if wanted != ours.packed:
        return dataclasses.replace(reply, options={_KIND: bytes([NAK]), _SERVER: server.packed})
    return _with(reply, ACK, ours)


def _with(reply: Message, kind: int, yours: Address, *, lease: bool = True) -> Message:
    times = {_LEASE: LEASE_S, _T1: LEASE_S // 2, _T2: LEASE_S * 7 // 8} if lease else {}
    options = {_KIND: bytes([kind]), **{code: value.to_bytes(4, "big") for code, value in times.items()}}
    return dataclasses.replace(reply, yours=yours, options={**options, **reply.options})


def _settings(scope: Scope, host: Host) -> dict[int, bytes]:
    network, gateway = ipaddress.IPv4Network(scope.cidr), Address(scope.gateway).packed
    found = {
        _SERVER: gateway,
        _MASK: network.netmask.packed,
        _BROADCAST: network.broadcast_address.packed,
        _ROUTER: gateway,
        _DNS: gateway,
        _MTU: scope.mtu.to_bytes(2, "big"),
    }
    if scope.host_names:
        found[_HOSTNAME] = host.name.encode()
    return found


class Server(asyncio.DatagramProtocol):
    """The responder; `scope` is asked for each message, so that it may change."""

    def __init__(self, scope: Callable[[], Scope]) -> None:
        self._scope = scope
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready."""
        # Of Python 3.11's own transports none is an instance of the class they implement.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Answer a message; what is none is dropped."""
        try:
            asked = dhcp4.decode(data)
            reply = answer(self._scope(), asked)
        except (errors.Invalid, ValueError):
            return
        if reply is None or self._transport is None:
            return
        # A client without an address hears what everybody hears.
        target = str(asked.client) if asked.client != _NOWHERE and reply.kind == ACK else "255.255.255.255"
        with contextlib.suppress(OSError):
            self._transport.sendto(dhcp4.encode(reply), (target, dhcp4.CLIENT_PORT))


async def serve(link: str, scope: Callable[[], Scope]) -> asyncio.DatagramTransport:
    """Answer on one link. Raises OSError when the port is taken there."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.encode())
        sock.bind(("", dhcp4.SERVER_PORT))
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Server(scope), sock=sock)
    except BaseException:
        sock.close()
        raise
    return transport
