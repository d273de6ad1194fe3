"""Configured devices, in the old and the new form, as specs."""

from __future__ import annotations

import pytest

from talos.machined.controllers.network import _device_specs, _devices
from talos.machined.controllers.network.routing_rule_config import specs as rule_specs
from talos.machinery.config import loader
from talos.machinery.config.documents.network.routing_rule import RoutingRuleConfig
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.types import network as types

LINKS = {
    "eth0": LinkStatus.Spec(type=types.LinkType.ETHER, driver="virtio_net", hardware_addr="02:00:00:00:00:01"),
    "eth1": LinkStatus.Spec(type=types.LinkType.ETHER, driver="e1000", hardware_addr="02:00:00:00:00:02"),
    "br9": LinkStatus.Spec(type=types.LinkType.ETHER, kind="bridge", driver="bridge"),
}
HEAD = "version: v1alpha1\nmachine:\n  type: worker\n"
TAIL = "cluster: {controlPlane: {endpoint: 'https://a:6443'}}\n"

LEGACY = (
    HEAD
    + """
  network:
    interfaces:
      - interface: eth0
        mtu: 1400
        addresses: [10.0.0.1/24, fd00::1]
        routes:
          - {network: 0.0.0.0/0, gateway: 10.0.0.254}
          - {network: 192.0.2.0/24, metric: 100, source: 10.0.0.1}
        vlans:
          - {vlanId: 5, addresses: [10.5.0.1/24]}
      - interface: bond0
        bond:
          mode: active-backup
          deviceSelectors: [{driver: "e1*"}]
          miimon: 100
      - interface: eth7
        ignore: true
      - interface: dummy0
        dummy: true
"""
    + TAIL
)
DOCUMENTS = (
    HEAD
    + TAIL
    + """---
apiVersion: v1alpha1
kind: LinkConfig
name: eth0
mtu: 1400
addresses: [{address: 10.0.0.1/24, routePriority: 50}]
routes:
  - {gateway: fe80::1}
  - {destination: 192.0.2.0/24, table: "100"}
---
apiVersion: v1alpha1
kind: BondConfig
name: bond0
links: [eth1, eth2]
bondMode: 802.3ad
xmitHashPolicy: layer3+4
lacpRate: fast
---
apiVersion: v1alpha1
kind: BridgeConfig
name: br0
links: [eth3]
stp: {enabled: true}
---
apiVersion: v1alpha1
kind: VLANConfig
name: eth0.5
vlanID: 5
vlanMode: 802.1ad
parent: eth0
up: false
---
apiVersion: v1alpha1
kind: VRFConfig
name: vrf-blue
table: "110"
links: [eth4]
routes: [{destination: 198.51.100.0/24, gateway: 10.0.0.9}]
---
apiVersion: v1alpha1
kind: VethConfig
name: v0
peer: {name: v1, addresses: [{address: 10.9.0.1/31}]}
---
apiVersion: v1alpha1
kind: DummyLinkConfig
name: dummy0
hardwareAddr: "02:00:00:00:00:AA"
"""
)


def devices(text: str) -> list[_devices.Device]:
    return list(_devices.devices(loader.load(text.encode()), LINKS))


@pytest.mark.feature("L030", "L005", "E145")
def test_the_old_form() -> None:
    specs = {one.name: one for one in _device_specs.links(devices(LEGACY))}
    assert set(specs) == {"eth0", "eth0.5", "bond0", "eth1", "dummy0"}
    assert (specs["eth0"].mtu, specs["eth0"].up, specs["eth0"].logical) == (1400, True, False)
    vlan = specs["eth0.5"]
    assert (vlan.kind, vlan.parent_name, vlan.vlan.vid, str(vlan.vlan.protocol)) == ("vlan", "eth0", 5, "802.1q")
    assert specs["bond0"].bond_master.mode is types.BondMode.ACTIVE_BACKUP
    assert specs["bond0"].bond_master.mii_mon == 100
    assert specs["eth1"].bond_slave.master_name == "bond0"
    assert (specs["dummy0"].kind, specs["dummy0"].logical) == ("dummy", True)


@pytest.mark.feature("L009", "E125")
def test_addresses_of_the_old_form() -> None:
    found = [(one.link_name, one.address) for one in _device_specs.addresses(devices(LEGACY))]
    assert found == [("eth0", "10.0.0.1/24"), ("eth0", "fd00::1/128"), ("eth0.5", "10.5.0.1/24")]


@pytest.mark.feature("L010", "E167")
def test_routes_of_the_old_form() -> None:
    default, other = _device_specs.routes(devices(LEGACY))
    assert (default.destination, default.gateway, default.priority) == ("", "10.0.0.254", 1024)
    assert default.scope is types.Scope.GLOBAL
    assert (other.destination, other.source, other.priority) == ("192.0.2.0/24", "10.0.0.1", 100)
    assert other.scope is types.Scope.LINK
    assert other.table is types.RoutingTable.MAIN


@pytest.mark.feature("L004", "L006", "L007", "E145")
def test_links_of_the_new_form() -> None:
    specs = {one.name: one for one in _device_specs.links(devices(DOCUMENTS))}
    bond = specs["bond0"].bond_master
    assert (bond.mode, bond.hash_policy, bond.lacp_rate) == (
        types.BondMode.LACP,
        types.BondXmitHashPolicy.LAYER34,
        types.LACPRate.FAST,
    )
    assert [(specs[n].bond_slave.master_name, specs[n].bond_slave.slave_index) for n in ("eth1", "eth2")] == [
        ("bond0", 0),
        ("bond0", 1),
    ]
    assert specs["br0"].bridge_master.stp.enabled
    assert specs["eth3"].bridge_slave.master_name == "br0"
    assert (specs["eth0.5"].up, str(specs["eth0.5"].vlan.protocol)) == (False, "802.1ad")
    assert specs["vrf-blue"].vrf_master.table.number == 110
    assert specs["eth4"].vrf_slave.master_name == "vrf-blue"
    assert (specs["v0"].veth.peer_name, specs["v1"].veth.peer_name) == ("v1", "v0")
    assert specs["dummy0"].hardware_address == "02:00:00:00:00:aa"
    assert not specs["eth1"].logical


@pytest.mark.feature("L010", "E125", "E167")
def test_addresses_and_routes_of_the_new_form() -> None:
    found = devices(DOCUMENTS)
    addresses = {one.link_name: one for one in _device_specs.addresses(found)}
    assert (addresses["eth0"].priority, addresses["v1"].address) == (50, "10.9.0.1/31")
    default, table, vrf = _device_specs.routes(found)
    assert (default.family, default.gateway, default.scope) == (types.Family.INET6, "fe80::1", types.Scope.GLOBAL)
    assert (table.table.number, table.scope) == (100, types.Scope.LINK)
    assert vrf.table.number == 110


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{driver: virtio_net}", ["eth0"]),
        ("{hardwareAddr: '02:00:00:00:00:0*'}", ["eth0", "eth1"]),
        ("{physical: true}", ["eth0", "eth1"]),
        ("{driver: bridge, physical: true}", []),
        ("{driver: e1000, hardwareAddr: '02:00:00:00:00:01'}", []),
    ],
)
@pytest.mark.feature("L005")
def test_selectors(text: str, names: list[str]) -> None:
    config = f"{HEAD}  network:\n    interfaces:\n      - deviceSelector: {text}\n        mtu: 1400\n{TAIL}"
    assert [one.name for one in devices(config)] == names


@pytest.mark.feature("L011", "E174")
def test_routing_rules() -> None:
    (one,) = rule_specs(RoutingRuleConfig(name="100", src="10.0.0.0/8", table="120", fw_mark=1, fw_mask=3))
    assert (one.family, one.priority, one.table.number, one.fw_mark) == (types.Family.INET4, 100, 120, 1)
    both = rule_specs(RoutingRuleConfig(name="101", iif_name="eth0", table="main"))
    assert [str(spec.family) for spec in both] == ["inet4", "inet6"]
    (sink,) = rule_specs(RoutingRuleConfig(name="102", dst="fd00::/8", action="blackhole"))
    assert sink.action is types.RoutingRuleAction.BLACKHOLE
