"""DHCPv4 messages: round trips, real servers' habits, and packets that are none."""

import ipaddress
import random

import pytest

from talos.base import errors
from talos.linux import dhcp4

MAC = bytes.fromhex("525400123456")
IP = ipaddress.IPv4Address


def message(**options: bytes) -> dhcp4.Message:
    """An ACK with these options, named by number as o51=…"""
    values = {53: b"\5", 54: IP("10.0.2.2").packed, 1: b"\xff\xff\xff\0", 51: (3600).to_bytes(4, "big")}
    values |= {int(name[1:]): value for name, value in options.items()}
    return dhcp4.Message(2, 7, MAC, yours=IP("10.0.2.15"), options=values)


def test_round_trip() -> None:
    given = message(o12=b"node\0", o6=IP("1.1.1.1").packed + IP("9.9.9.9").packed)
    assert dhcp4.decode(dhcp4.encode(given)) == given
    assert len(dhcp4.encode(given)) >= 300


def test_a_lease() -> None:
    found = dhcp4.lease(
        message(o3=IP("10.0.2.2").packed, o6=IP("10.0.2.3").packed, o12=b"node\0", o15=b"example.org", o26=b"\x05\x78")
    )
    assert str(found.address) == "10.0.2.15/24"
    assert found.gateways == (IP("10.0.2.2"),)
    assert found.dns == (IP("10.0.2.3"),)
    assert (found.hostname, found.domain, found.mtu) == ("node", "example.org", 1400)
    assert (found.lease_s, found.renew_s, found.rebind_s) == (3600, 1800, 3150)


def test_classless_routes_replace_the_router() -> None:
    raw = (
        bytes([0])
        + IP("10.0.2.1").packed
        + bytes([12, 172, 16])
        + bytes(4)
        + bytes([32, 8, 8, 8, 8])
        + IP("10.0.2.9").packed
    )
    found = dhcp4.lease(message(o3=IP("10.0.2.2").packed, o121=raw))
    assert found.gateways == ()
    assert [(str(to), str(via)) for to, via in found.routes] == [
        ("0.0.0.0/0", "10.0.2.1"),
        ("172.16.0.0/12", "0.0.0.0"),
        ("8.8.8.8/32", "10.0.2.9"),
    ]


@pytest.mark.parametrize(
    ("options", "lease_s", "renew_s", "rebind_s"),
    [
        ({"o51": b"\xff" * 4}, float("inf"), float("inf"), float("inf")),
        ({"o51": b"\0\0\0\1"}, 60, 30, 52.5),  # no server makes us ask every second
        ({"o58": b"\0\0\xff\xff"}, 3600, 3600, 3600),  # renewal after the end is renewal at the end
        ({"o59": b"\0\0\0\1"}, 3600, 1800, 1800),
    ],
)
def test_times(options: dict[str, bytes], lease_s: float, renew_s: float, rebind_s: float) -> None:
    found = dhcp4.lease(message(**options))
    assert (found.lease_s, found.renew_s, found.rebind_s) == (lease_s, renew_s, rebind_s)


@pytest.mark.parametrize(
    "broken",
    [
        dhcp4.Message(2, 7, MAC, options={53: b"\5", 54: bytes(4)}),  # no address
        dhcp4.Message(2, 7, MAC, yours=IP("10.0.0.1"), options={53: b"\5"}),  # no server
        message(o121=b"\x21\1\2\3\4\5\6\7\x08"),
        message(o121=b"\x18\1"),
    ],
)
def test_answers_that_grant_nothing(broken: dhcp4.Message) -> None:
    with pytest.raises(errors.Invalid):
        dhcp4.lease(broken)


def test_an_option_in_pieces_is_joined() -> None:
    whole = dhcp4.encode(message(o6=IP("1.1.1.1").packed))
    at = whole.index(bytes([6, 4]) + IP("1.1.1.1").packed)
    split = whole[:at] + bytes([6, 2, 1, 1, 6, 2, 1, 1]) + whole[at + 6 :]
    assert dhcp4.lease(dhcp4.decode(split)).dns == (IP("1.1.1.1"),)


def test_datagrams() -> None:
    packet = bytearray(dhcp4.datagram(b"hello"))
    assert dhcp4.payload(bytes(packet), dhcp4.SERVER_PORT) == b"hello"
    assert dhcp4.payload(bytes(packet)) is None
    packet[9] = 6
    assert dhcp4.payload(bytes(packet), dhcp4.SERVER_PORT) is None
    packet[9] = 17
    words = [int.from_bytes(packet[at : at + 2], "big") for at in range(0, 20, 2)]
    total = sum(words)
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF


def test_damaged_messages_are_refused_and_nothing_else_happens() -> None:
    whole, source = dhcp4.encode(message(o121=b"\0\x0a\0\0\1", o6=IP("1.1.1.1").packed)), random.Random(7)
    for _ in range(3000):
        data = bytearray(whole[: source.randrange(len(whole) + 1)])
        for _ in range(source.randrange(4)):
            if data:
                data[source.randrange(len(data))] = source.randrange(256)
        try:
            dhcp4.lease(dhcp4.decode(bytes(data)))
        except errors.Invalid:
            continue
