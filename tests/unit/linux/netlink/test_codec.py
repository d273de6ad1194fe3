"""The codec against hand-made bytes, against itself, and against pyroute2 as an oracle."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from talos.linux.netlink import address, codec, kinds, link, neighbour, route

IP4 = ipaddress.IPv4Address("10.5.0.2")
IP6 = ipaddress.IPv6Address("fd00::2")


def oracle(cls, body: bytes):  # type: ignore[no-untyped-def]
    message = cls(struct.pack("=IHHII", 16 + len(body), 16, 0, 0, 0) + body)
    message.decode()
    return message


@pytest.mark.parametrize(("length", "aligned"), [(0, 0), (1, 4), (4, 4), (5, 8)])
def test_align(length: int, aligned: int) -> None:
    assert codec.align(length) == aligned


def test_attribute_bytes_as_in_the_kernel_header() -> None:
    assert codec.pack_attribute(3, b"eth0\0") == bytes.fromhex("09000300" + b"eth0\0".hex() + "000000")
    assert codec.nested(18, b"") == bytes.fromhex("04001280")


@given(st.lists(st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=40)), max_size=8))
def test_attributes_round_trip(values: list[tuple[int, bytes]]) -> None:
    packed = b"".join(codec.pack_attribute(number, payload) for number, payload in values)
    assert list(codec.attributes(packed)) == values


@given(st.binary(max_size=200))
def test_rubbish_never_raises_anything_but_value_error(data: bytes) -> None:
    list(codec.attributes(data))
    for parse in (link.parse, address.parse, route.parse, route.parse_rule, neighbour.parse):
        with contextlib.suppress(ValueError, struct.error):
            parse(data)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        *[(7, codec.U8), (700, codec.U16), (70000, codec.U32), (1 << 40, codec.U64), (-3, codec.S32), (-3, codec.S8)],
        *[("eth0", codec.STRING), ("02:00:00:00:00:01", codec.MAC), (IP4, codec.IP), (IP6, codec.IP)],
        *[(True, codec.BOOL8), (8472, codec.BE16), (1, codec.BE32), ([IP4, IP4], codec.array(codec.IP))],
    ],
)
def test_values_round_trip(value: object, field: codec.Codec) -> None:
    assert field.decode(field.encode(value)) == value


def test_big_endian_values() -> None:
    assert codec.BE16.encode(8472) == b"\x21\x18"


def test_unknown_setting_is_named() -> None:
    with pytest.raises(ValueError, match=r"'colour'.*mtu"):
        link.ATTRIBUTES.encode({"colour": 1})


def test_short_payload_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="mtu"):
        link.ATTRIBUTES.decode(codec.pack_attribute(4, b"\1"))


def test_cut_message() -> None:
    with pytest.raises(ValueError, match="netlink message"):
        list(codec.messages(codec.pack_message(16, 0, 1, b"12345678")[:-4]))


def test_extended_acknowledgement() -> None:
    text = codec.pack_attribute(1, b"Unknown device type\0")
    body = struct.pack("=i", -errno.EOPNOTSUPP) + codec.HEADER.pack(16, 16, 0, 1, 0) + text
    message = codec.Message(codec.NLMSG_ERROR, codec.F_CAPPED | codec.F_ACK_TLVS, 1, 0, body)
    error = codec.acknowledgement(message, "add link x")
    assert error is not None
    assert error.errno == errno.EOPNOTSUPP
    assert error.reason == "Unknown device type"
    assert str(error).endswith("add link x: Unknown device type (Operation not supported)")


def test_acknowledgement_of_success_and_of_a_finished_dump() -> None:
    assert codec.acknowledgement(codec.Message(codec.NLMSG_ERROR, 0, 1, 0, bytes(20))) is None
    assert codec.acknowledgement(codec.Message(codec.NLMSG_DONE, codec.F_MULTI, 1, 0, bytes(4))) is None
    failed = codec.Message(codec.NLMSG_DONE, codec.F_MULTI, 1, 0, struct.pack("=i", -errno.EPERM))
    assert isinstance(codec.acknowledgement(failed), codec.NetlinkError)


def test_echoed_request_is_skipped() -> None:
    request = codec.pack_message(16, 0, 1, b"x" * 20)
    body = struct.pack("=i", -errno.EINVAL) + request + codec.pack_attribute(1, b"why\0")
    error = codec.acknowledgement(codec.Message(codec.NLMSG_ERROR, codec.F_ACK_TLVS, 1, 0, body))
    assert error is not None
    assert error.reason == "why"


@pytest.mark.parametrize("kind", sorted(kinds.DATA))
def test_every_kind_round_trips_each_setting(kind: str) -> None:
    table = kinds.DATA[kind]
    samples: dict[codec.Codec, object] = {codec.IP: IP4, codec.MAC: "02:00:00:00:00:01", codec.BOOL8: True}
    values = {}
    for name, (_, field) in table.fields.items():
        fallback: object = [IP4] if field.nested else (1, 2) if name == "port_range" else 5
        values[name] = samples.get(field, fallback)
    assert table.decode(table.encode(values)) == values
    parsed = link.parse(link.header(3) + link.pack_info(kind, values))
    assert (parsed.index, parsed.kind, dict(parsed.data)) == (3, kind, values)


def test_link_request_read_by_the_oracle() -> None:
    settings = {"name": "vx0", "mtu": 1400, "address": "02:00:00:00:00:01", "master": 5}
    vxlan = {"id": 7, "local": IP4, "port": 8472, "learning": 0, "link": 2}
    read = oracle(ifinfmsg, link.pack_settings(0, settings, up=True) + link.pack_info("vxlan", vxlan))
    assert read["flags"] == read["change"] == 1
    assert (read.get("ifname"), read.get("mtu"), read.get("address")) == ("vx0", 1400, "02:00:00:00:00:01")
    data = read.get(("linkinfo", "data"))
    assert (data.get("vxlan_id"), data.get("vxlan_local"), data.get("vxlan_port")) == (7, "10.5.0.2", 8472)


def test_bond_request_read_by_the_oracle() -> None:
    bond = {"mode": 4, "miimon": 100, "ad_lacp_rate": 1, "xmit_hash_policy": 1, "ad_actor_system": "02:00:00:00:00:01"}
    data = oracle(ifinfmsg, link.header() + link.pack_info("bond", bond)).get(("linkinfo", "data"))
    assert (data.get("bond_mode"), data.get("bond_miimon"), data.get("bond_ad_lacp_rate")) == (4, 100, 1)
    assert data.get("bond_ad_actor_system") == "02:00:00:00:00:01"


def test_veth_peer_read_by_the_oracle() -> None:
    peer = link.pack_settings(0, {"name": "eth0", "netns_fd": 9})
    read = oracle(ifinfmsg, link.pack_settings(0, {"name": "v0"}) + link.pack_info("veth", None, peer=peer))
    other = read.get(("linkinfo", "data")).get("veth_info_peer")
    assert (other.get("ifname"), other.get("net_ns_fd")) == ("eth0", 9)


def test_link_written_by_the_oracle() -> None:
    message = ifinfmsg()
    message["index"], message["flags"], message["ifi_type"] = 4, 0x11043, 1
    info = {"attrs": [("IFLA_INFO_KIND", "vlan"), ("IFLA_INFO_DATA", {"attrs": [("IFLA_VLAN_ID", 100)]})]}
    message["attrs"] = [("IFLA_IFNAME", "eth0.100"), ("IFLA_MTU", 1500), ("IFLA_LINK", 2), ("IFLA_LINKINFO", info)]
    message["attrs"] += [("IFLA_OPERSTATE", "UP"), ("IFLA_ADDRESS", "02:00:00:00:00:01")]
    message.encode()
    read = link.parse(bytes(message.data)[16:])
    assert (read.index, read.name, read.mtu, read.parent, read.kind, read.data) == (
        4,
        "eth0.100",
        1500,
        2,
        "vlan",
        {"id": 100},
    )
    assert read.up
    assert read.operstate is link.OperState.UP
    assert read.address == "02:00:00:00:00:01"


@pytest.mark.parametrize(
    "value",
    [
        address.Address(2, ipaddress.ip_interface("10.5.0.2/24"), address.Flags.PERMANENT, label="eth0"),
        address.Address(2, ipaddress.ip_interface("fd00::2/64"), address.Flags.NODAD | address.Flags.NOPREFIXROUTE),
        address.Address(3, ipaddress.ip_interface("10.0.0.1/32"), peer=ipaddress.ip_address("10.0.0.2"), priority=7),
        address.Address(3, ipaddress.ip_interface("10.0.0.1/24"), valid_s=60, preferred_s=30, scope=address.Scope.HOST),
    ],
)
def test_address_round_trip(value: address.Address) -> None:
    assert address.parse(address.pack(value)) == value


def test_address_request_read_by_the_oracle() -> None:
    read = oracle(ifaddrmsg, address.pack(address.Address(2, ipaddress.ip_interface("10.5.0.2/24"))))
    assert (read["family"], read["prefixlen"], read["index"]) == (socket.AF_INET, 24, 2)
    assert (read.get("local"), read.get("address")) == ("10.5.0.2", "10.5.0.2")


GATEWAY = ipaddress.IPv4Address("10.5.0.1")
ROUTES = [
    route.Route(gateway=GATEWAY, index=2, priority=1024),
    route.Route(destination=ipaddress.ip_network("10.96.0.0/12"), type=route.Type.BLACKHOLE, table=300),
    route.Route(
        family=socket.AF_INET6,
        destination=ipaddress.ip_network("fd00:1::/64"),
        gateway=ipaddress.ip_address("fe80::1"),
        index=2,
        mtu=1400,
        preference=route.PREFERENCE_HIGH,
    ),
    route.Route(gateway=ipaddress.ip_address("fe80::1"), index=2, flags=route.Flags.ONLINK),
    route.Route(
        next_hops=(
            route.NextHop(2, GATEWAY, 1),
            route.NextHop(3, ipaddress.ip_address("fe80::2"), 5, route.Flags.ONLINK),
        )
    ),
]


@pytest.mark.parametrize("value", ROUTES)
def test_route_round_trip(value: route.Route) -> None:
    assert route.parse(route.pack(value)) == value


def test_route_request_read_by_the_oracle() -> None:
    read = oracle(rtmsg, route.pack(ROUTES[0]))
    assert (read["table"], read["dst_len"], read["type"]) == (254, 0, 1)
    assert (read.get("gateway"), read.get("oif"), read.get("priority")) == ("10.5.0.1", 2, 1024)
    hops = oracle(rtmsg, route.pack(ROUTES[4])).get("multipath")
    assert [(hop["oif"], hop["hops"]) for hop in hops] == [(2, 0), (3, 4)]


@pytest.mark.parametrize(
    "value",
    [
        route.Rule(priority=32500, table=180, mark=0x40, mask=0x60),
        route.Rule(socket.AF_INET6, 100, 5000, source=ipaddress.ip_network("fd00::/8"), in_link="eth0", invert=True),
        route.Rule(suppress_prefix_length=0, destination=ipaddress.ip_network("10.0.0.0/8"), out_link="eth1"),
    ],
)
def test_rule_round_trip(value: route.Rule) -> None:
    assert route.parse_rule(route.pack_rule(value)) == value


def test_neighbour_round_trip_and_oracle() -> None:
    value = neighbour.Neighbour(2, IP4, "02:00:00:00:00:01", state=neighbour.State.PERMANENT)
    assert neighbour.parse(neighbour.pack(value)) == value
    read = oracle(ndmsg, neighbour.pack(value))
    assert (read.get("dst"), read.get("lladdr"), read["state"]) == ("10.5.0.2", "02:00:00:00:00:01", 0x80)
