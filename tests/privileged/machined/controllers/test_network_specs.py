"""Specs given to the kernel and taken away again, in a real namespace."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests import netns
from tests.node import Node

from talos.cosi import state
from talos.linux import netlink
from talos.machinery.resources.config.machine_config import MachineConfig
from talos.machinery.resources.network import link_spec
from talos.machinery.resources.network.address_spec import AddressSpec
from talos.machinery.resources.network.link_spec import LinkSpec
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.resources.network.route_spec import RouteSpec
from talos.machinery.resources.network.route_status import RouteStatus
from talos.machinery.resources.network.routing_rule_spec import RoutingRuleSpec
from talos.machinery.resources.network.routing_rule_status import RoutingRuleStatus
from talos.machinery.types import network as types

pytestmark = [pytest.mark.needs_netns]

PACKAGES = (
    *(f"network.{name}_merge" for name in ("link", "address", "route", "routing_rule")),
    *(f"network.{name}_spec" for name in ("link", "address", "route", "routing_rule")),
    *(f"network.{name}_status" for name in ("link", "address", "route", "routing_rule")),
)


@pytest.fixture
def ns() -> Iterator[int]:
    with netns.namespaces(1) as (fd,):
        yield fd


@pytest.fixture
def rt(ns: int) -> Iterator[netlink.Route]:
    with netlink.Route(ns) as client:
        yield client


@pytest.fixture
def node(ns: int, tmp_path: Path) -> Iterator[Node]:
    with Node(ns, tmp_path, PACKAGES, []) as made:
        yield made


def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "not within time"
        time.sleep(0.02)


def configure(node: Node, cls, id: str, **spec: object) -> None:  # type: ignore[no-untyped-def]
    node.put(
        cls(
            f"configuration/{id}",
            cls.Spec(config_layer=types.ConfigLayer.MACHINE_CONFIGURATION, **spec),
            namespace="network-config",
        )
    )


def forget(node: Node, cls, id: str) -> None:  # type: ignore[no-untyped-def]
    node.call(
        lambda: state.teardown_and_destroy(
            node.state, cls, f"configuration/{id}", namespace="network-config", timeout_s=10
        )
    )


def has_address(rt: netlink.Route, link: str, text: str) -> bool:
    found = rt.find_link(link)
    return found is not None and any(str(one.interface) == text for one in rt.addresses(found))


def bridge(node: Node, name: str = "br0", **changes: object) -> None:
    master = link_spec.BridgeMasterSpec(stp=link_spec.STPSpec(enabled=True))
    configure(node, LinkSpec, name, name=name, logical=True, kind="bridge", up=True, bridge_master=master, **changes)


@pytest.mark.feature("E147", "E146", "L004", "L007")
def test_links_are_made_changed_and_deleted(node: Node, rt: netlink.Route) -> None:
    rt.link_add_veth("eth0", "peer0")
    bridge(node, mtu=1400)
    port = link_spec.BridgeSlave(master_name="br0")
    configure(node, LinkSpec, "eth0", name="eth0", up=True, bridge_slave=port, mtu=1400)
    status = node.wait(LinkStatus, "br0", lambda s: s.bridge_master.stp.enabled and s.mtu == 1400).spec
    assert status.kind == "bridge"
    node.wait(LinkStatus, "eth0", lambda s: s.master_index == status.index and s.slave_kind == "bridge")
    veth = link_spec.VethSpec(peer_name="v1")
    configure(node, LinkSpec, "v0", name="v0", logical=True, kind="veth", up=True, veth=veth)
    node.wait(LinkStatus, "v0", lambda s: s.veth.peer_name == "v1")
    forget(node, LinkSpec, "eth0")
    forget(node, LinkSpec, "br0")
    eventually(lambda: rt.find_link("br0") is None)
    eventually(lambda: not rt.link("eth0").up and rt.link("eth0").master == 0)
    assert rt.find_link("v0") is not None


@pytest.mark.feature("E147")
def test_what_somebody_deletes_comes_back(node: Node, rt: netlink.Route) -> None:
    bridge(node)
    configure(node, AddressSpec, "br0/10.9.0.1/24", address="10.9.0.1/24", link_name="br0", flags="permanent")
    eventually(lambda: has_address(rt, "br0", "10.9.0.1/24"))
    rt.address_delete("br0", "10.9.0.1/24")
    eventually(lambda: has_address(rt, "br0", "10.9.0.1/24"))
    rt.link_delete("br0")
    eventually(lambda: has_address(rt, "br0", "10.9.0.1/24"))


@pytest.mark.feature("E128", "E127", "L009")
def test_addresses_come_and_go_and_the_higher_layer_wins(node: Node, rt: netlink.Route) -> None:
    rt.link_add_bridge("br0", up=True)
    base = {"address": "10.9.0.1/24", "link_name": "br0", "flags": "permanent"}
    low = AddressSpec.Spec(**base, scope=types.Scope.LINK, config_layer=types.ConfigLayer.PLATFORM)  # type: ignore[arg-type]
    node.put(AddressSpec("platform/br0/10.9.0.1/24", low, namespace="network-config"))
    eventually(lambda: any(one.scope == 253 and one.index == rt.index("br0") for one in rt.addresses(family=2)))
    configure(node, AddressSpec, "br0/10.9.0.1/24", **base)
    eventually(lambda: any(str(one.interface) == "10.9.0.1/24" and one.scope == 0 for one in rt.addresses("br0")))
    forget(node, AddressSpec, "br0/10.9.0.1/24")
    eventually(lambda: any(str(one.interface) == "10.9.0.1/24" and one.scope == 253 for one in rt.addresses("br0")))
    node.call(
        lambda: state.teardown_and_destroy(
            node.state, AddressSpec, "platform/br0/10.9.0.1/24", namespace="network-config", timeout_s=10
        )
    )
    eventually(lambda: not has_address(rt, "br0", "10.9.0.1/24"))


@pytest.mark.feature("E169", "E168", "E170", "L010")
def test_routes_wait_for_their_link_and_are_removed(node: Node, rt: netlink.Route) -> None:
    route = {
        "family": types.Family.INET4,
        "gateway": "10.9.0.254",
        "out_link_name": "br0",
        "table": types.RoutingTable.MAIN,
        "type": types.RouteType.UNICAST,
        "protocol": types.RouteProtocol.STATIC,
        "priority": 1024,
    }
    configure(node, RouteSpec, "br0/inet4/10.9.0.254//1024", **route)
    rt.link_add_bridge("br0", up=True)
    rt.address_add("br0", "10.9.0.1/24")
    gateway = ipaddress.ip_address("10.9.0.254")
    eventually(lambda: any(one.gateway == gateway and one.priority == 1024 for one in rt.routes()))
    node.wait(RouteStatus, "br0/inet4/10.9.0.254//1024", lambda s: s.out_link_name == "br0")
    forget(node, RouteSpec, "br0/inet4/10.9.0.254//1024")
    eventually(lambda: not any(one.gateway == gateway for one in rt.routes()))


@pytest.mark.feature("E176", "E175", "E177", "L011")
def test_rules(node: Node, rt: netlink.Route) -> None:
    rule = {
        "family": types.Family.INET4,
        "table": types.RoutingTable.from_number(180),
        "priority": 32500,
        "fw_mark": 0x40,
        "fw_mask": 0x60,
        "action": types.RoutingRuleAction.UNICAST,
    }
    configure(node, RoutingRuleSpec, "inet4/32500", **rule)
    node.wait(RoutingRuleStatus, "inet4/32500", lambda s: (s.fw_mark, s.fw_mask, str(s.table)) == (0x40, 0x60, "180"))
    forget(node, RoutingRuleSpec, "inet4/32500")
    eventually(lambda: all(one.priority != 32500 for one in rt.rules()))
    eventually(lambda: node.find(RoutingRuleStatus, "inet4/32500") is None)


def test_a_refused_link_does_not_hold_up_the_others(node: Node, rt: netlink.Route) -> None:
    configure(node, LinkSpec, "bad0", name="bad0", logical=True, kind="nosuchkind", up=True)
    bridge(node)
    node.wait(LinkStatus, "br0")


def test_an_idle_node_does_nothing(node: Node, rt: netlink.Route) -> None:
    """Without changes no controller runs: versions stay and the loop's clock of reconciles stands still."""
    bridge(node)
    node.wait(LinkStatus, "br0", lambda s: "UP" in s.flags)
    time.sleep(0.5)

    async def busy() -> float:
        import asyncio

        begun = time.thread_time()
        await asyncio.sleep(2)
        return time.thread_time() - begun

    assert node.call(busy) < 0.01


CONFIG = """
version: v1alpha1
machine:
  type: worker
  network:
    interfaces:
      - interface: eth0
        addresses: [10.9.0.1/24]
        mtu: 1400
        routes: [{network: 0.0.0.0/0, gateway: 10.9.0.254}]
cluster: {controlPlane: {endpoint: 'https://a:6443'}}
---
apiVersion: v1alpha1
kind: BridgeConfig
name: br7
stp: {enabled: true}
addresses: [{address: 10.7.0.1/24}]
---
apiVersion: v1alpha1
kind: BlackholeRouteConfig
name: 203.0.113.0/24
---
apiVersion: v1alpha1
kind: RoutingRuleConfig
name: "1000"
src: 10.9.0.0/16
table: "110"
"""


@pytest.mark.feature("L001", "L030", "E125", "E145", "E167", "E174")
def test_a_configuration_becomes_links_addresses_routes_and_rules(ns: int, rt: netlink.Route, tmp_path: Path) -> None:
    rt.link_add_veth("eth0", "peer0")
    rt.link_set("peer0", up=True)
    configs = tuple(f"network.{name}_config" for name in ("link", "address", "route", "routing_rule"))
    machine = MachineConfig("v1alpha1", MachineConfig.Spec(source=CONFIG.encode()))
    with Node(ns, tmp_path, (*PACKAGES, *configs), [machine]) as node:
        eventually(lambda: has_address(rt, "eth0", "10.9.0.1/24") and has_address(rt, "br7", "10.7.0.1/24"))
        eventually(lambda: rt.link("eth0").mtu == 1400 and rt.link("eth0").up)
        gateway = ipaddress.ip_address("10.9.0.254")
        eventually(lambda: any(one.gateway == gateway and one.priority == 1024 for one in rt.routes()))
        eventually(lambda: any(one.type == 6 and str(one.destination) == "203.0.113.0/24" for one in rt.routes()))
        eventually(lambda: any(one.priority == 1000 and one.table == 110 for one in rt.rules()))
        less = CONFIG.split("---")[0].replace("10.9.0.1/24", "10.9.0.2/24")
        node.put(MachineConfig("v1alpha1", MachineConfig.Spec(source=less.encode())))
        eventually(lambda: has_address(rt, "eth0", "10.9.0.2/24") and not has_address(rt, "eth0", "10.9.0.1/24"))
        eventually(lambda: rt.find_link("br7") is None)
        eventually(lambda: not any(one.priority == 1000 for one in rt.rules()))
        eventually(lambda: not any(one.type == 6 for one in rt.routes()))
