"""Packets of a capture for people: the pcap stream cut into records, and each told in one line.

Formats: pcap (draft-ietf-opsawg-pcap), Ethernet II with 802.1Q tags, ARP (RFC 826), IPv4, IPv6 with its extension
headers, TCP, UDP, ICMP. What is not known or cut off is told by its numbers; nothing here fails for a strange packet.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from talos.base import errors

_HEADER_BYTES, _RECORD_BYTES = 24, 16
_MAGIC = {b"\xd4\xc3\xb2\xa1": ("<", 1e-6), b"\xa1\xb2\xc3\xd4": (">", 1e-6), b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
          b"\xa1\xb2\x3c\x4d": (">", 1e-9)}  # fmt: skip
_MAX_RECORD_BYTES = 1 << 20
_ETHERNET, _RAW, _LINUX_SLL = 1, 101, 113
_VLANS = (0x8100, 0x88A8)
_IP, _ARP, _IP6 = 0x0800, 0x0806, 0x86DD
_HOP, _TCP, _UDP, _ROUTING, _FRAGMENT, _OPTIONS = 0, 6, 17, 43, 44, 60
_NAMES = {1: "ICMP", 2: "IGMP", 4: "IPv4 in IP", 41: "IPv6 in IP", 47: "GRE", 50: "ESP", 58: "ICMPv6", 89: "OSPF",
          132: "SCTP"}  # fmt: skip
_ICMP = {0: "echo reply", 3: "unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded"}
_ICMP6 = {1: "unreachable", 2: "packet too big", 3: "time exceeded", 128: "echo request", 129: "echo reply",
          133: "router solicitation", 134: "router advertisement", 135: "neighbor solicitation",
          136: "neighbor advertisement", 143: "multicast listener report"}  # fmt: skip
_TCP_FLAGS = ((0x02, "S"), (0x01, "F"), (0x04, "R"), (0x08, "P"), (0x20, "U"), (0x40, "E"), (0x80, "W"), (0x10, "."))


class Packet(NamedTuple):
    """One record: Unix time in seconds, length on the wire, link type, and the bytes that were kept."""

    at: float
    length: int
    link_type: int
    data: bytes


class Reader:
    """Cuts a pcap stream that comes in chunks into packets."""

    def __init__(self) -> None:
        self._rest = b""
        self._format: tuple[struct.Struct, float, int] | None = None

    def add(self, chunk: bytes) -> Iterator[Packet]:
        """Yield the packets a chunk completes. Raises Invalid for what is no pcap."""
        self._rest += chunk
        if self._format is None:
            if len(self._rest) < _HEADER_BYTES:
                return
            self._format = self._header()
        record, resolution, link_type = self._format
        offset = 0
        while len(self._rest) - offset >= _RECORD_BYTES:
            seconds, fraction, kept, length = record.unpack_from(self._rest, offset)
            if kept > _MAX_RECORD_BYTES:
                raise errors.Invalid(f"the node sent a packet of {kept} bytes, which is no packet")
            end = offset + _RECORD_BYTES + kept
            if len(self._rest) < end:
                break
            yield Packet(seconds + fraction * resolution, length, link_type, self._rest[offset + _RECORD_BYTES : end])
            offset = end
        self._rest = self._rest[offset:]

    def _header(self) -> tuple[struct.Struct, float, int]:
        found = _MAGIC.get(self._rest[:4])
        if found is None:
            raise errors.Invalid("the node sent something else than a capture")
        order, resolution = found
        link_type = struct.unpack_from(f"{order}I", self._rest, 20)[0] & 0xFFFF
        self._rest = self._rest[_HEADER_BYTES:]
        return struct.Struct(f"{order}IIII"), resolution, link_type


def describe(packet: Packet) -> str:
    """Return what a packet is, without its time."""
    try:
        return _link(packet)
    except (struct.error, IndexError, ValueError):
        return f"{len(packet.data)} of {packet.length} bytes, too short to tell"


def _link(packet: Packet) -> str:
    data = packet.data
    if packet.link_type == _RAW:
        return _network(_IP6 if data[0] >> 4 == 6 else _IP, data, packet.length)
    if packet.link_type == _LINUX_SLL:
        return _network(struct.unpack_from(">H", data, 14)[0], data[16:], packet.length)
    if packet.link_type != _ETHERNET:
        return f"link type {packet.link_type}, {packet.length} bytes"
    kind, offset, tags = struct.unpack_from(">H", data, 12)[0], 14, ""
    while kind in _VLANS:
        tag, kind = struct.unpack_from(">HH", data, offset)
        offset, tags = offset + 4, f"{tags}vlan {tag & 0xFFF} "
    if kind in (_IP, _IP6, _ARP):
        return tags + _network(kind, data[offset:], packet.length - offset)
    mac = (":".join(f"{byte:02x}" for byte in part) for part in (data[6:12], data[:6]))
    return f"{tags}{' > '.join(mac)} ethertype {kind:#06x}, {packet.length} bytes"


def _network(kind: int, data: bytes, length: int) -> str:
    if kind == _ARP:
        return _arp(data)
    return (_ip6 if kind == _IP6 else _ip4)(data, length)


def _arp(data: bytes) -> str:
    operation = struct.unpack_from(">H", data, 6)[0]
    sender, target = (ipaddress.IPv4Address(data[at : at + 4]) for at in (14, 24))
    if operation == 1:
        return f"ARP who has {target}, tell {sender}"
    return f"ARP {sender} is at {':'.join(f'{byte:02x}' for byte in data[8:14])}"


def _ip4(data: bytes, length: int) -> str:
    size = (data[0] & 0xF) * 4
    total, fragment, protocol = struct.unpack_from(">H", data, 2)[0], struct.unpack_from(">H", data, 6)[0], data[9]
    ends = [str(ipaddress.IPv4Address(data[at : at + 4])) for at in (12, 16)]
    if fragment & 0x1FFF:
        return f"IP {ends[0]} > {ends[1]}: fragment at {(fragment & 0x1FFF) * 8}, protocol {protocol}"
    return "IP " + _transport(protocol, ends, data[size:], (total or length) - size)


def _ip6(data: bytes, length: int) -> str:
    payload, following = struct.unpack_from(">H", data, 4)[0], data[6]
    ends = [str(ipaddress.IPv6Address(data[at : at + 16])) for at in (8, 24)]
    offset = 40
    while following in (_HOP, _ROUTING, _FRAGMENT, _OPTIONS):
        if following == _FRAGMENT and struct.unpack_from(">H", data, offset + 2)[0] & 0xFFF8:
            return f"IP6 {ends[0]} > {ends[1]}: fragment"
        size = 8 if following == _FRAGMENT else (data[offset + 1] + 1) * 8
        following, offset = data[offset], offset + size
    return "IP6 " + _transport(following, ends, data[offset:], (payload or length - 40) - (offset - 40))


def _transport(protocol: int, ends: list[str], data: bytes, length: int) -> str:
    told: Callable[[bytes, int], tuple[tuple[str, str], str]] | None = {_TCP: _tcp, _UDP: _udp}.get(protocol)
    if told is not None:
        ports, text = told(data, length)
        return f"{ends[0]}.{ports[0]} > {ends[1]}.{ports[1]}: {text}"
    words = {1: _ICMP, 58: _ICMP6}.get(protocol)
    name = _NAMES.get(protocol, f"protocol {protocol}")
    detail = f" {words.get(data[0], f'type {data[0]}')}," if words is not None else ","
    return f"{ends[0]} > {ends[1]}: {name}{detail} length {length}"


def _tcp(data: bytes, length: int) -> tuple[tuple[str, str], str]:
    source, target, sequence, acknowledged, offset, flags, window = struct.unpack_from(">HHIIBBH", data)
    letters = "".join(letter for bit, letter in _TCP_FLAGS if flags & bit) or "none"
    payload = length - (offset >> 4) * 4
    ack = f", ack {acknowledged}" if flags & 0x10 else ""
    text = f"TCP [{letters}], seq {sequence}{ack}, win {window}, length {payload}"
    return (str(source), str(target)), text


def _udp(data: bytes, length: int) -> tuple[tuple[str, str], str]:
    source, target = struct.unpack_from(">HH", data)
    return (str(source), str(target)), f"UDP, length {length - 8}"
