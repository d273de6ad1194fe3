"""The client and the monitor against the kernel, in namespaces of their own."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import netns

from talos.base import errors
from talos.linux import netlink
from talos.linux.netlink import link, neighbour, route

pytestmark = pytest.mark.needs_netns


@pytest.fixture
def ns() -> Iterator[int]:
    with netns.namespaces(1) as (fd,):
        yield fd


@pytest.fixture
def rt(ns: int) -> Iterator[netlink.Route]:
    with netlink.Route(ns) as client:
        yield client


def test_new_namespace_holds_only_its_loopback(rt: netlink.Route) -> None:
    assert [one.name for one in rt.links()] == ["lo"]
    assert {str(one.interface) for one in rt.addresses("lo")} == {"127.0.0.1/8", "::1/128"}


def test_bridge_with_ports(rt: netlink.Route) -> None:
    bridge = rt.link_add_bridge("br0", up=True, data={"stp_state": 1, "forward_delay": 400})
    assert (bridge.kind, bridge.up, bridge.data["stp_state"], bridge.data["forward_delay"]) == ("bridge", True, 1, 400)
    port = rt.link_add_veth("a", "b", master="br0", up=True, mtu=1400, address="02:00:00:00:00:01")
    assert (port.master, port.port_kind, port.mtu, port.address) == (bridge.index, "bridge", 1400, "02:00:00:00:00:01")
    rt.link_set_port_data("a", "bridge", {"isolated": 1})
    assert rt.link("a").port_data["isolated"] == 1
    rt.link_set_data("br0", "bridge", {"stp_state": 0})
    assert rt.link("br0").data["stp_state"] == 0
    rt.link_set("a", master=0)
    assert rt.link("a").master == 0


def test_settings_of_a_link(rt: netlink.Route) -> None:
    rt.link_add_veth("a", "b")
    rt.link_set("a", name="eth7", alias="uplink", mtu=1280, multicast=False, arp=False)
    one = rt.link("eth7")
    assert (one.name, one.alias, one.mtu) == ("eth7", "uplink", 1280)
    assert link.Flags.NOARP in one.flags
    assert link.Flags.MULTICAST not in one.flags
    name = "a-name-longer-than-an-interface-name-may-be"
    rt.link_add_names("eth7", name)
    assert rt.link(name).index == one.index
    rt.link_delete_names("eth7", name)
    assert rt.find_link(name) is None


def test_veth_peer_in_another_namespace(rt: netlink.Route) -> None:
    with netns.namespaces(1) as (other,), netlink.Route(other) as inner:
        rt.link_add_veth("a", "eth0", peer_settings={"netns_fd": other, "address": "02:00:00:00:00:02"}, up=True)
        peer = inner.link("eth0")
        assert (peer.kind, peer.address) == ("veth", "02:00:00:00:00:02")
        inner.link_set("eth0", up=True)
        assert rt.link("a").carrier
        inner.link_set("eth0", netns_fd=other, name="eth1")
        assert inner.link("eth1").index == peer.index


def test_vxlan(rt: netlink.Route) -> None:
    rt.link_add_bridge("br0", up=True)
    vxlan = rt.link_add_vxlan("flannel.1", 1, local="10.0.0.1", parent="br0", port=8472, learning=False)
    assert (vxlan.data["id"], vxlan.data["port"], vxlan.data["learning"]) == (1, 8472, 0)
    entry = neighbour.Neighbour(
        vxlan.index,
        ipaddress.ip_address("10.0.0.9"),
        "02:00:00:00:00:09",
        family=socket.AF_BRIDGE,
        state=neighbour.State.PERMANENT,
        flags=neighbour.Flags.SELF,
    )
    rt.neighbour_replace(entry)
    found = rt.neighbours(family=socket.AF_BRIDGE)
    assert any((one.ip, one.address) == (entry.ip, entry.address) for one in found)


def test_refusals_carry_the_words_of_the_kernel(rt: netlink.Route) -> None:
    with pytest.raises(netlink.NetlinkError, match="Unknown device type") as caught:
        rt.link_add("x", "nosuchkind")
    assert "add nosuchkind link x" in str(caught.value)
    with pytest.raises(errors.NotFound, match="nosuch"):
        rt.link("nosuch")
    with pytest.raises(errors.NotFound):
        rt.link_delete("nosuch")
    rt.link_delete("nosuch", missing_ok=True)
    rt.link_delete(4711, missing_ok=True)


def test_addresses(rt: netlink.Route) -> None:
    rt.link_add_bridge("br0", up=True)
    rt.address_add("br0", "10.5.0.1/24")
    rt.address_add("br0", "10.5.0.1/24")
    rt.address_add("br0", "fd00::1/64", flags=netlink.address.Flags.NODAD)
    found = {str(one.interface): one for one in rt.addresses("br0")}
    assert found["10.5.0.1/24"].broadcast == ipaddress.ip_address("10.5.0.255")
    assert netlink.address.Flags.PERMANENT in found["fd00::1/64"].flags
    assert all(one.index != rt.index("br0") for one in rt.addresses("lo"))
    rt.address_replace("br0", "fd00::1/64", valid_s=600, preferred_s=300)
    changed = next(one for one in rt.addresses("br0") if str(one.interface) == "fd00::1/64")
    assert 590 < changed.valid_s <= 600
    rt.address_delete("br0", "10.5.0.1/24")
    rt.address_delete("br0", "10.5.0.1/24", missing_ok=True)
    with pytest.raises(netlink.NetlinkError):
        rt.address_delete("br0", "10.5.0.1/24")


def test_routes(rt: netlink.Route) -> None:
    rt.link_add_bridge("br0", up=True)
    rt.address_add("br0", "10.5.0.1/24")
    gateway = ipaddress.ip_address("10.5.0.254")
    default = route.Route(gateway=gateway, index=rt.index("br0"), priority=1024, mtu=1400)
    rt.route_add(default)
    rt.route_add(default)
    assert default in rt.routes(table=route.TABLE_MAIN)
    assert rt.route_to("192.0.2.1").gateway == gateway
    sink = route.Route(destination=ipaddress.ip_network("192.0.2.0/24"), type=route.Type.BLACKHOLE, table=300)
    rt.route_replace(sink)
    assert rt.routes(table=300) == [sink]
    spread = route.Route(
        destination=ipaddress.ip_network("198.51.100.0/24"),
        next_hops=(route.NextHop(rt.index("br0"), gateway, 2), route.NextHop(rt.index("br0"), gateway + 0, 3)),
    )
    rt.route_replace(spread)
    found = next(one for one in rt.routes() if one.destination == spread.destination)
    assert [hop.weight for hop in found.next_hops] == [2, 3]
    rt.route_delete(default)
    rt.route_delete(default, missing_ok=True)
    with pytest.raises(netlink.NetlinkError, match="No such process"):
        rt.route_delete(default)
    with pytest.raises(netlink.NetlinkError, match="route to"):
        rt.route_to("192.0.3.1")


def test_rules(rt: netlink.Route) -> None:
    rule = route.Rule(priority=32500, table=180, mark=0x40, mask=0x60, protocol=route.Protocol.STATIC)
    rt.rule_add(rule)
    assert rule in rt.rules(family=socket.AF_INET)
    rt.rule_delete(rule)
    rt.rule_delete(rule, missing_ok=True)
    assert rule not in rt.rules()


def test_many_links_fill_several_datagrams(rt: netlink.Route) -> None:
    for i in range(150):
        rt.link_add_veth(f"a{i}", f"b{i}")
    assert len(rt.links()) == 301


async def test_monitor_sees_changes_in_its_namespace_only(ns: int, rt: netlink.Route) -> None:
    with netlink.Monitor(netlink.monitor.LINKS + netlink.monitor.ADDRESSES, ns) as monitor:
        assert monitor.pending() == []
        waiting = asyncio.create_task(monitor.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        rt.link_add_bridge("br0", up=True)
        events = await asyncio.wait_for(waiting, 5)
        rt.address_add("br0", "10.5.0.1/24")
        rt.link_delete("br0")
        events += await asyncio.wait_for(monitor.wait(), 5)
        seen = [(getattr(e.value, "name", None) or str(e.value.interface), e.gone) for e in events]  # type: ignore[union-attr]
        assert seen[0] == ("br0", False)
        assert ("10.5.0.1/24", False) in seen
        assert seen[-1] == ("br0", True)
        with netns.namespaces(1) as (other,), netlink.Route(other) as inner:
            inner.link_add_bridge("br9")
        assert monitor.pending() == []


async def test_a_slow_reader_learns_that_it_missed_something(ns: int, rt: netlink.Route) -> None:
    with netlink.Monitor(netlink.monitor.LINKS, ns) as monitor:
        monitor._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for i in range(60):
            rt.link_add_veth(f"a{i}", f"b{i}")
        events = monitor.pending()
    assert any(isinstance(one, netlink.Overrun) for one in events)


def test_the_caller_stays_in_its_own_namespace(ns: int) -> None:
    before = Path("/proc/thread-self/ns/net").stat().st_ino
    with netlink.inside(ns):
        assert Path("/proc/thread-self/ns/net").stat().st_ino == os.fstat(ns).st_ino
    assert Path("/proc/thread-self/ns/net").stat().st_ino == before
    with pytest.raises(ZeroDivisionError), netlink.inside(ns):
        raise ZeroDivisionError
    assert Path("/proc/thread-self/ns/net").stat().st_ino == before
