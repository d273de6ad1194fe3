"""Packets told in lines: real packets made by struct, and whatever else a node may send."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos.base import errors
from talos.talosctl import packets

MACS = bytes.fromhex("0242ac110002 0242ac110003")


def ip4(protocol: int, payload: bytes, *, fragment: int = 0) -> bytes:
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, fragment, 64, protocol, 0,
                       bytes([10, 5, 0, 2]), bytes([10, 5, 0, 3]))  # fmt: skip
    return head + payload


def ip6(following: int, payload: bytes) -> bytes:
    return struct.pack(">IHBB16s16s", 6 << 28, len(payload), following, 64, b"\xfe\x80" + bytes(13) + b"\1",
                       bytes(15) + b"\1") + payload  # fmt: skip


def tcp(flags: int, payload: bytes = b"") -> bytes:
    return struct.pack(">HHIIBBHHH", 40000, 50000, 7, 9, 5 << 4, flags, 512, 0, 0) + payload


def ethernet(kind: int, payload: bytes) -> bytes:
    return MACS + struct.pack(">H", kind) + payload


def told(data: bytes, link_type: int = 1) -> str:
    return packets.describe(packets.Packet(0, len(data), link_type, data))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (ethernet(0x800, ip4(6, tcp(0x02))), "IP 10.5.0.2.40000 > 10.5.0.3.50000: TCP [S], seq 7, win 512, length 0"),
        (ethernet(0x800, ip4(6, tcp(0x18, b"hello"))),
         "IP 10.5.0.2.40000 > 10.5.0.3.50000: TCP [P.], seq 7, ack 9, win 512, length 5"),
        # Ethernet pads short packets: the length is that of IP.
        (ethernet(0x800, ip4(17, struct.pack(">HHHH", 68, 67, 8, 0)) + bytes(18)),
         "IP 10.5.0.2.68 > 10.5.0.3.67: UDP, length 0"),
        (ethernet(0x800, ip4(1, b"\x08\0" + bytes(6))), "IP 10.5.0.2 > 10.5.0.3: ICMP echo request, length 8"),
        (ethernet(0x800, ip4(17, bytes(8), fragment=185)), "IP 10.5.0.2 > 10.5.0.3: fragment at 1480, protocol 17"),
        (ethernet(0x86DD, ip6(58, b"\x87\0" + bytes(6))), "IP6 fe80::1 > ::1: ICMPv6 neighbor solicitation, length 8"),
        (ethernet(0x86DD, ip6(0, b"\x11\0" + bytes(6) + struct.pack(">HHHH", 5353, 5353, 9, 0) + b"x")),
         "IP6 fe80::1.5353 > ::1.5353: UDP, length 1"),
        (ethernet(0x8100, struct.pack(">HH", 42, 0x800) + ip4(6, tcp(0x10))),
         "vlan 42 IP 10.5.0.2.40000 > 10.5.0.3.50000: TCP [.], seq 7, ack 9, win 512, length 0"),
        (ethernet(0x806, struct.pack(">HHBBH6s4s6s4s", 1, 0x800, 6, 4, 1, bytes(6), bytes([10, 5, 0, 2]), bytes(6),
                                     bytes([10, 5, 0, 9]))), "ARP who has 10.5.0.9, tell 10.5.0.2"),
        (ethernet(0x88CC, b"lldp"), "02:42:ac:11:00:03 > 02:42:ac:11:00:02 ethertype 0x88cc, 18 bytes"),
        (ethernet(0x800, b"\x45"), "15 of 15 bytes, too short to tell"),
    ],
)  # fmt: skip
def test_packets_in_words(data: bytes, text: str) -> None:
    assert told(data) == text


def test_tunnels_have_no_link_header() -> None:
    assert told(ip4(6, tcp(0x04)), 101).startswith("IP 10.5.0.2.40000 > 10.5.0.3.50000: TCP [R]")


@given(st.binary(max_size=120), st.sampled_from([1, 101, 113, 7]))
def test_no_packet_is_too_strange(data: bytes, link_type: int) -> None:
    assert told(data, link_type)


@given(st.lists(st.binary(max_size=90), max_size=6), st.integers(1, 50))
def test_records_survive_any_chunks(payloads: list[bytes], step: int) -> None:
    stream = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65536, 1)
    for number, payload in enumerate(payloads):
        stream += struct.pack("<IIII", number, 500_000, len(payload), len(payload) + 3) + payload
    reader = packets.Reader()
    found = [p for at in range(0, len(stream), step) for p in reader.add(stream[at : at + step])]
    assert [(p.at, p.length, p.data) for p in found] == [(n + 0.5, len(d) + 3, d) for n, d in enumerate(payloads)]


@pytest.mark.parametrize(
    "stream",
    [b"this is no capture at all", struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0, 1) + b"\xff" * 16],
)
def test_what_is_no_capture(stream: bytes) -> None:
    with pytest.raises(errors.Invalid):
        list(packets.Reader().add(stream))
