"""What the planners decide, case by case, without a kernel."""

from __future__ import annotations

import dataclasses
import ipaddress

import msgspec
import pytest

from talos.linux.netlink import address, link, route
from talos.machined.controllers.network import _address_plan, _link_plan, _route_plan, routing_rule_spec
from talos.machined.controllers.network._link_plan import Create, Delete, Set, SetData
from talos.machinery.resources.network import link_spec
from talos.machinery.resources.network.address_spec import AddressSpec
from talos.machinery.resources.network.link_spec import LinkSpec
from talos.machinery.resources.network.route_spec import RouteNextHop, RouteSpec
from talos.machinery.resources.network.routing_rule_spec import RoutingRuleSpec
from talos.machinery.types import network as types

LINKS = {"lo": 1, "eth0": 2, "eth1": 3}


def addr(text: str, **changes: object) -> AddressSpec.Spec:
    return AddressSpec.Spec(address=text, link_name="eth0", flags="permanent", **changes)  # type: ignore[arg-type]


def kernel(text: str, index: int = 2, **changes: object) -> address.Address:
    flags = changes.pop("flags", address.Flags.PERMANENT)
    return address.Address(index, ipaddress.ip_interface(text), flags=flags, **changes)  # type: ignore[arg-type]


@pytest.mark.feature("L009")
@pytest.mark.parametrize(
    ("current", "running", "removed", "expected"),
    [
        ([], [addr("10.0.0.1/24")], [], ["add 10.0.0.1/24"]),
        ([kernel("10.0.0.1/24")], [addr("10.0.0.1/24")], [], []),
        ([kernel("10.0.0.1/24", index=3)], [addr("10.0.0.1/24")], [], ["add 10.0.0.1/24"]),
        ([kernel("10.0.0.1/16")], [addr("10.0.0.1/24")], [], ["add 10.0.0.1/24"]),
        (
            [kernel("10.0.0.1/24")],
            [addr("10.0.0.1/24", scope=types.Scope.LINK)],
            [],
            ["del 10.0.0.1/24", "add 10.0.0.1/24"],
        ),
        ([kernel("10.0.0.1/24")], [addr("10.0.0.1/24", priority=7)], [], ["del 10.0.0.1/24", "add 10.0.0.1/24"]),
        ([kernel("10.0.0.1/24"), kernel("10.9.0.1/24")], [], [addr("10.0.0.1/24")], ["del 10.0.0.1/24"]),
        ([], [], [addr("10.0.0.1/24")], []),
        ([kernel("10.0.0.1/24")], [addr("10.0.0.1/24")], [addr("10.0.0.1/24")], []),
    ],
)
def test_addresses(current, running, removed, expected) -> None:  # type: ignore[no-untyped-def]
    ops = _address_plan.plan(LINKS, current, running, removed)
    words = {_address_plan.Add: "add", _address_plan.Delete: "del"}
    assert [f"{words[type(op)]} {op.address.interface}" for op in ops] == expected


def test_addresses_wait_for_their_link() -> None:
    spec = AddressSpec.Spec(address="10.0.0.1/24", link_name="eth9")
    assert _address_plan.plan(LINKS, [], [spec], [spec]) == []


def test_wanted_flags_reach_the_kernel() -> None:
    spec = AddressSpec.Spec(address="fd00::1/64", link_name="eth0", flags="permanent,noprefixroute,nodad")
    (op,) = _address_plan.plan(LINKS, [], [spec], [])
    assert op.address.flags == address.Flags.NOPREFIXROUTE | address.Flags.NODAD


GATEWAY = ipaddress.ip_address("10.0.0.254")


def rspec(**changes: object) -> RouteSpec.Spec:
    base = {
        "family": types.Family.INET4,
        "gateway": "10.0.0.254",
        "out_link_name": "eth0",
        "table": types.RoutingTable.MAIN,
        "type": types.RouteType.UNICAST,
        "protocol": types.RouteProtocol.STATIC,
        "priority": 1024,
    }
    return RouteSpec.Spec(**{**base, **changes})  # type: ignore[arg-type]


ROUTE = route.Route(gateway=GATEWAY, index=2, priority=1024)


@pytest.mark.feature("L010")
@pytest.mark.parametrize(
    ("current", "running", "removed", "expected"),
    [
        ([], [rspec()], [], [_route_plan.Put(ROUTE)]),
        ([ROUTE], [rspec()], [], []),
        ([dataclasses.replace(ROUTE, flags=route.Flags.LINKDOWN)], [rspec()], [], []),
        ([dataclasses.replace(ROUTE, mtu=1400)], [rspec()], [], [_route_plan.Put(ROUTE)]),
        ([ROUTE], [rspec(mtu=1400)], [], [_route_plan.Put(dataclasses.replace(ROUTE, mtu=1400))]),
        ([ROUTE], [], [rspec()], [_route_plan.Delete(ROUTE)]),
        ([ROUTE], [rspec()], [rspec(gateway="10.0.0.253")], []),
        ([dataclasses.replace(ROUTE, protocol=2)], [], [rspec()], []),
        ([], [rspec(out_link_name="eth9")], [], []),
        ([dataclasses.replace(ROUTE, priority=100)], [rspec()], [], [_route_plan.Put(ROUTE)]),
    ],
)
def test_routes(current, running, removed, expected) -> None:  # type: ignore[no-untyped-def]
    assert _route_plan.plan(LINKS, current, running, removed) == expected


@pytest.mark.feature("L010")
def test_multipath_and_blackhole_routes() -> None:
    hops = (
        RouteNextHop(gateway="10.0.0.254", out_link_name="eth0", weight=2),
        RouteNextHop(gateway="10.1.0.254", out_link_name="eth1"),
    )
    spread = rspec(gateway="", out_link_name="", next_hops=hops, destination="192.0.2.0/24")
    (op,) = _route_plan.plan(LINKS, [], [spread], [])
    assert [(hop.index, hop.weight) for hop in op.route.next_hops] == [(2, 2), (3, 1)]
    assert _route_plan.plan(LINKS, [op.route], [spread], []) == []
    sink = rspec(gateway="", out_link_name="", type=types.RouteType.BLACKHOLE, destination="192.0.2.0/24")
    (op,) = _route_plan.plan(LINKS, [], [sink], [])
    assert (op.route.type, op.route.index) == (route.Type.BLACKHOLE, 0)


def made(name: str, index: int, **changes: object) -> link.Link:
    return link.Link(index, name, **{"flags": link.Flags.UP, "mtu": 1500, **changes})  # type: ignore[arg-type]


def lspec(name: str, **changes: object) -> LinkSpec.Spec:
    return LinkSpec.Spec(**{"name": name, "up": True, **changes})  # type: ignore[arg-type]


VLAN = lspec(
    "eth0.5",
    logical=True,
    kind="vlan",
    parent_name="eth0",
    vlan=link_spec.VLANSpec(vid=5, protocol=types.VLANProtocol.DOT1Q),
)
VLAN_DATA = {"id": 5, "protocol": 0x8100}
BRIDGE = lspec(
    "br0", logical=True, kind="bridge", bridge_master=link_spec.BridgeMasterSpec(stp=link_spec.STPSpec(enabled=True))
)
BRIDGE_DATA = {"stp_state": 1, "vlan_filtering": 0}
PORT = lspec("eth0", bridge_slave=link_spec.BridgeSlave(master_name="br0"))
BOND = lspec(
    "bond0", logical=True, kind="bond", bond_master=link_spec.BondMasterSpec(mode=types.BondMode.LACP, mii_mon=100)
)
SLAVE = lspec("eth0", bond_slave=link_spec.BondSlave(master_name="bond0"))
VETH = lspec("v0", logical=True, kind="veth", veth=link_spec.VethSpec(peer_name="v1"))


@pytest.mark.feature("L004", "L007")
@pytest.mark.parametrize(
    ("current", "running", "removed", "expected"),
    [
        ([made("eth0", 2)], [lspec("eth0")], [], []),
        (
            [made("eth0", 2, flags=link.Flags(0))],
            [lspec("eth0", mtu=1400)],
            [],
            [Set("eth0", {"mtu": 1400}), Set("eth0", {"up": True})],
        ),
        ([made("eth0", 2)], [lspec("eth0", up=False)], [], [Set("eth0", {"up": False})]),
        ([], [lspec("eth0")], [], []),
        (
            [made("eth0", 2, flags=link.Flags.UP | link.Flags.MULTICAST)],
            [lspec("eth0", multicast=False)],
            [],
            [Set("eth0", {"multicast": False})],
        ),
        (
            [made("eth0", 2, address="02:00:00:00:00:01")],
            [lspec("eth0", hardware_address="02:00:00:00:00:02")],
            [],
            [Set("eth0", {"address": "02:00:00:00:00:02"})],
        ),
        ([made("eth0", 2)], [VLAN], [], [Create("eth0.5", "vlan", VLAN_DATA, "eth0"), Set("eth0.5", {"up": True})]),
        ([made("eth0", 2), made("eth0.5", 9, kind="vlan", parent=2, data=VLAN_DATA)], [VLAN], [], []),
        (
            [made("eth0", 2), made("eth0.5", 9, kind="vlan", parent=2, data={"id": 6, "protocol": 0x8100})],
            [VLAN],
            [],
            [Delete("eth0.5"), Create("eth0.5", "vlan", VLAN_DATA, "eth0"), Set("eth0.5", {"up": True})],
        ),
        (
            [made("eth0", 2)],
            [PORT, BRIDGE],
            [],
            [Create("br0", "bridge", {"stp_state": 1}), Set("br0", {"up": True}), Set("eth0", {"master": "br0"})],
        ),
        ([made("br0", 8, kind="bridge", data=BRIDGE_DATA), made("eth0", 2, master=8)], [PORT, BRIDGE], [], []),
        (
            [made("br0", 8, kind="bridge", data={"stp_state": 0})],
            [BRIDGE],
            [],
            [SetData("br0", "bridge", {"stp_state": 1})],
        ),
        ([made("eth0", 2, master=8)], [lspec("eth0")], [], [Set("eth0", {"master": ""})]),
        (
            [made("bond0", 8, kind="bond", data={"mode": 4, "miimon": 100}), made("eth0", 2)],
            [SLAVE, BOND],
            [],
            [Set("eth0", {"up": False}), Set("eth0", {"master": "bond0"}), Set("eth0", {"up": True})],
        ),
        (
            [],
            [VETH, lspec("v1", logical=True, kind="veth", veth=link_spec.VethSpec(peer_name="v0"))],
            [],
            [Create("v0", "veth", {}, "", "v1"), Set("v0", {"up": True}), Set("v1", {"up": True})],
        ),
        ([made("br0", 8, kind="bridge")], [], [BRIDGE], [Delete("br0")]),
        ([made("br0", 8, kind="dummy")], [], [BRIDGE], []),
        (
            [made("eth0", 2, master=8), made("br0", 8, kind="bridge")],
            [],
            [PORT, BRIDGE],
            [Set("eth0", {"master": "", "up": False}), Delete("br0")],
        ),
        ([made("eth7", 7)], [], [], []),
    ],
)
def test_links(current, running, removed, expected) -> None:  # type: ignore[no-untyped-def]
    ops = _link_plan.plan({one.name: one for one in current}, running, removed)
    assert ops == expected


@pytest.mark.feature("L006")
def test_a_bond_gets_only_settings_its_mode_knows() -> None:
    (create, _) = _link_plan.plan({}, [BOND], [])
    assert isinstance(create, Create)
    assert create.data == {
        "mode": 4,
        "xmit_hash_policy": 0,
        "ad_lacp_rate": 0,
        "fail_over_mac": 0,
        "ad_select": 0,
        "miimon": 100,
        "min_links": 0,
        "all_slaves_active": 0,
        "ad_user_port_key": 0,
    }
    backup = with_bond(BOND, mode=types.BondMode.ACTIVE_BACKUP, arp_interval=100, arpip_targets=("10.0.0.9",))
    data = _link_plan.data_of(backup, {"eth0": 2}.get)
    assert data["arp_ip_target"] == [ipaddress.ip_address("10.0.0.9")]
    assert "ad_lacp_rate" not in data
    assert data["primary_reselect"] == 0


def with_bond(spec: LinkSpec.Spec, **bond: object) -> LinkSpec.Spec:
    return msgspec.structs.replace(spec, bond_master=msgspec.structs.replace(spec.bond_master, **bond))


def test_a_loop_of_masters_ends() -> None:
    first = lspec("a", bridge_slave=link_spec.BridgeSlave(master_name="b"))
    second = lspec("b", bridge_slave=link_spec.BridgeSlave(master_name="a"))
    assert {one.name for one in _link_plan.ordered([first, second])} == {"a", "b"}


@pytest.mark.feature("L011")
def test_rules() -> None:
    spec = RoutingRuleSpec.Spec(
        family=types.Family.INET4,
        table=types.RoutingTable.from_number(180),
        priority=32500,
        fw_mark=0x40,
        fw_mask=0x60,
        action=types.RoutingRuleAction.UNICAST,
    )
    rule = routing_rule_spec.wanted(spec)
    assert routing_rule_spec.plan([], [spec], []) == [routing_rule_spec.Add(rule)]
    assert routing_rule_spec.plan([rule], [spec], []) == []
    old = dataclasses.replace(rule, table=181)
    assert routing_rule_spec.plan([old], [spec], []) == [routing_rule_spec.Delete(old), routing_rule_spec.Add(rule)]
    assert routing_rule_spec.plan([rule], [], [spec]) == [routing_rule_spec.Delete(rule)]
    foreign = dataclasses.replace(rule, protocol=2)
    assert routing_rule_spec.plan([foreign], [spec], []) == [routing_rule_spec.Add(rule)]
