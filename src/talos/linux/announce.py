"""Telling the neighbours of a link that an address is here now: gratuitous ARP (RFC 5227), unsolicited neighbour
advertisement (RFC 4861). What they remembered of an earlier holder is replaced."""

from __future__ import annotations

import ipaddress
import socket
import struct

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_ETH_IPV6, _ETH_ARP = 0x86DD, 0x0806
_BROADCAST = b"\xff" * 6
_ALL_NODES = ipaddress.IPv6Address("ff02::1")
_ALL_NODES_MAC = bytes.fromhex("333300000001")
_ICMPV6, _ADVERTISEMENT, _OVERRIDE, _TARGET_OPTION = 58, 136, 1 << 29, 2
_ARP_REQUEST = 1


def arp_frame(address: ipaddress.IPv4Address, mac: bytes) -> bytes:
    """An Ethernet frame that announces an IPv4 address: a request for it that comes from it."""
    arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, _ARP_REQUEST, mac, address.packed, bytes(6), address.packed)
    return _BROADCAST + mac + struct.pack("!H", _ETH_ARP) + arp


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def advertisement_frame(address: ipaddress.IPv6Address, mac: bytes) -> bytes:
    """An Ethernet frame that announces an IPv6 address to all nodes of the link."""
    option = struct.pack("!BB6s", _TARGET_OPTION, 1, mac)
    body = struct.pack("!BBHI16s", _ADVERTISEMENT, 0, 0, _OVERRIDE, address.packed) + option
    pseudo = address.packed + _ALL_NODES.packed + struct.pack("!II", len(body), _ICMPV6)
    body = body[:2] + struct.pack("!H", _checksum(pseudo + body)) + body[4:]
    head = struct.pack("!IHBB16s16s", 6 << 28, len(body), _ICMPV6, 255, address.packed, _ALL_NODES.packed)
    return _ALL_NODES_MAC + mac + struct.pack("!H", _ETH_IPV6) + head + body


def announce(link: str, mac: str, address: Address) -> None:
    """Send one announcement. Raises OSError."""
    raw = bytes.fromhex(mac.replace(":", ""))
    frame = arp_frame(address, raw) if isinstance(address, ipaddress.IPv4Address) else advertisement_frame(address, raw)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC) as out:
        out.bind((link, 0))
        out.send(frame)
