"""Pure decisions of the network controllers: names, files, address views, layers."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Any

import pytest

from talos.machined.controllers.network import (
    _address_order,
    _files,
    _hostnames,
    _merging,
    _texts,
    hostname_merge,
    node_address,
    platform_config,
    resolver_merge,
    time_server_merge,
)
from talos.machined.controllers.network.dns_resolve_cache import names_of
from talos.machinery.resources import _codec
from talos.machinery.resources.network.address_status import AddressStatus
from talos.machinery.resources.network.hostname_spec import HostnameSpec
from talos.machinery.resources.network.link_spec import BridgeMasterSpec, LinkSpec, STPSpec
from talos.machinery.resources.network.node_address import NodeAddress
from talos.machinery.resources.network.node_address_filter import NodeAddressFilter
from talos.machinery.resources.network.resolver_spec import ResolverSpec
from talos.machinery.resources.network.time_server_spec import TimeServerSpec
from talos.machinery.types import network as types


@pytest.mark.feature("L017")
def test_stable_hostname_from_the_node_identity() -> None:
    node_id = "7x1SuC8Ege5BGXdAfTEff5iQnlWZLfv9h1LGMxA2pYkC"
    name = _hostnames.stable(node_id)
    value = int.from_bytes(hashlib.sha256(node_id.encode()).digest()[:8], "big")
    prefix, first, second = name.split("-")
    assert (prefix, len(first), len(second)) == ("talos", 3, 3)
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    whole = ""
    while value:
        whole, value = digits[value % 36] + whole, value // 36
    assert whole[1:7] == first + second


@pytest.mark.feature("L017")
@pytest.mark.parametrize(
    ("interface", "name"),
    [("10.5.0.2/24", "talos-10-5-0-2"), ("fd00::2/64", "talos-fd00-0000-0000-0000-0000-0000-0000-0002")],
)
def test_hostname_from_an_address(interface: str, name: str) -> None:
    assert _hostnames.from_address(interface) == name


@pytest.mark.parametrize(
    ("text", "host", "domain"),
    [
        ("cp-1", "cp-1", ""),
        ("cp-1.example.org", "cp-1", "example.org"),
        (" cp-1.example.org.\n", "cp-1", "example.org"),
    ],
)
def test_names_are_split_at_the_first_dot(text: str, host: str, domain: str) -> None:
    spec = _hostnames.split(text, types.ConfigLayer.PLATFORM)
    assert (spec.hostname, spec.domainname) == (host, domain)


@pytest.mark.feature("L020")
def test_resolv_conf_keeps_three_servers_and_the_search_list() -> None:
    text = _files.resolv_conf(["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"], ["a.example", "b.example"]).decode()
    assert text.count("nameserver ") == 3
    assert "search a.example b.example\n" in text
    assert _files.resolv_conf(["10.0.0.1"], []) == b"nameserver 10.0.0.1\n"


@pytest.mark.feature("L020")
def test_hosts() -> None:
    text = _files.hosts("cp-1", "example.org", ["10.5.0.2", "fd00::2"], {"192.0.2.1": ["a", "b"]}).decode()
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines()}
    assert rows["10.5.0.2"] == ["cp-1.example.org", "cp-1"]
    assert rows["192.0.2.1"] == ["a", "b"]
    assert "fd00::2" not in rows
    assert "localhost" in rows["::1"]


@pytest.mark.feature("R009")
@pytest.mark.parametrize(
    ("text", "servers", "search"),
    [
        ("nameserver 10.0.0.1\nnameserver fe80::1%eth0\n", ("10.0.0.1", "fe80::1"), ()),
        (
            "# made by hand\nsearch a.example b.example .\nnameserver 10.0.0.1 # first\noptions ndots:0\n",
            ("10.0.0.1",),
            ("a.example", "b.example"),
        ),
        ("nameserver\nnameserver not-an-ip\nnameserver 10.0.0.1", ("10.0.0.1",), ()),
    ],
)
def test_resolvers_of_a_container(text: str, servers: tuple[str, ...], search: tuple[str, ...]) -> None:
    spec = platform_config.parse_resolv_conf(text)
    assert spec is not None
    assert (spec.dns_servers, spec.search_domains) == (servers, search)


def test_a_file_without_servers_says_nothing() -> None:
    assert platform_config.parse_resolv_conf("search example.org\n") is None


def resolvers(layer: types.ConfigLayer, *servers: str, search: tuple[str, ...] = ()) -> ResolverSpec.Spec:
    return ResolverSpec.Spec(dns_servers=servers, search_domains=search, config_layer=layer)


@pytest.mark.feature("L018", "E165")
def test_resolvers_are_replaced_per_family_by_higher_layers_and_joined_within_one() -> None:
    merge = resolver_merge.ResolverMergeController().merge
    default = resolvers(types.ConfigLayer.DEFAULT, "1.1.1.1", "2606:4700::1111", search=("a.example",))
    platform = resolvers(types.ConfigLayer.PLATFORM, "10.0.0.1")
    merged = merge(default, platform)
    assert merged.dns_servers == ("10.0.0.1", "2606:4700::1111")
    assert merged.search_domains == ("a.example",)
    second = resolvers(types.ConfigLayer.OPERATOR, "10.0.0.2", search=("b.example",))
    third = resolvers(types.ConfigLayer.OPERATOR, "10.0.0.3", "10.0.0.2", search=("c.example",))
    assert merge(second, third).dns_servers == ("10.0.0.2", "10.0.0.3")
    assert merge(second, third).search_domains == ("b.example", "c.example")


@pytest.mark.parametrize(
    ("merge", "kind", "id"),
    [
        (resolver_merge.ResolverMergeController, ResolverSpec, "resolvers"),
        (hostname_merge.HostnameMergeController, HostnameSpec, "hostname"),
        (time_server_merge.TimeServerMergeController, TimeServerSpec, "timeservers"),
    ],
)
def test_what_a_machine_has_one_of_is_merged_whatever_its_sources_are_called(merge: Any, kind: Any, id: str) -> None:
    for source in (f"default/{id}", f"operator/dhcp4/eth0/{id}", f"configuration/{id}"):
        assert merge().key(kind(source, kind.Spec(), namespace="network-config")) == id


@pytest.mark.feature("E146")
def test_links_are_overlaid_field_by_field() -> None:
    low = LinkSpec.Spec(name="br0", mtu=1400, up=True, config_layer=types.ConfigLayer.PLATFORM)
    master = BridgeMasterSpec(stp=STPSpec(enabled=True))
    high = LinkSpec.Spec(name="br0", bridge_master=master, config_layer=types.ConfigLayer.MACHINE_CONFIGURATION)
    merged = _merging.overlay(low, high)
    assert (merged.mtu, merged.up, merged.bridge_master) == (1400, True, master)
    assert merged.config_layer is types.ConfigLayer.MACHINE_CONFIGURATION


def status(
    address: str, link: str = "eth0", index: int = 2, scope: types.Scope = types.Scope.GLOBAL
) -> AddressStatus.Spec:
    return AddressStatus.Spec(address=address, link_name=link, link_index=index, scope=scope)


ADDRESSES = [
    status("127.0.0.1/8", "lo", 1, types.Scope.HOST),
    status("169.254.116.108/32", "lo", 1, types.Scope.HOST),
    status("10.244.0.1/24", "cni0", 5),
    status("10.5.0.9/32"),
    status("10.5.0.2/24"),
    status("fe80::1/64", scope=types.Scope.LINK),
    status("fd00::2/64"),
    status("fdae:41e4:649b:9303::1/64", "siderolink", 7),
    status("10.6.0.2/24", "eth1", 3),
    status("198.51.100.7/32", node_address.EXTERNAL_LINK, 0),
]
V1, V2 = types.AddressSortAlgorithm.V1, types.AddressSortAlgorithm.V2


def texts(interfaces: list[_address_order.Interface]) -> list[str]:
    return [str(one) for one in interfaces]


@pytest.mark.feature("L023", "E151")
def test_views_of_addresses() -> None:
    views = node_address.collect(ADDRESSES, frozenset({1, 2, 5, 7}), V1)
    assert str(views.default) == "10.5.0.2/24"
    assert texts(views.routed) == ["10.5.0.2/24", "10.5.0.9/32", "10.244.0.1/24", "fd00::2/64"]
    assert texts(views.current) == ["10.5.0.2/24", "10.5.0.9/32", "10.244.0.1/24", "198.51.100.7/32", "fd00::2/64"]


@pytest.mark.feature("L023", "E152")
def test_the_second_order_puts_shared_addresses_first() -> None:
    views = node_address.collect(ADDRESSES, frozenset({2}), V2)
    assert texts(views.routed) == ["10.5.0.9/32", "10.5.0.2/24", "fd00::2/64"]


@pytest.mark.feature("L023")
def test_the_default_stays_while_the_node_has_it_and_is_never_a_pods() -> None:
    views = node_address.collect(ADDRESSES, frozenset({2, 5}), V1)
    pods = NodeAddressFilter("no-k8s", NodeAddressFilter.Spec(exclude_subnets=("10.244.0.0/16",)))

    def keep(text: str, *filters: NodeAddressFilter) -> str:
        old = NodeAddress.Spec(addresses=(text,), sort_algorithm=V1)
        return str(node_address.keep_default(old, views, V1, filters))

    assert keep("10.5.0.9/32") == "10.5.0.9/32"
    assert keep("10.6.0.2/24") == "10.5.0.2/24"
    assert keep("10.244.0.1/24") == "10.244.0.1/24"
    assert keep("10.244.0.1/24", pods) == "10.5.0.2/24"
    only_pods = node_address.collect([status("10.244.0.1/24", "cni0", 5)], frozenset({5}), V1)
    assert str(only_pods.default) == "10.244.0.1/24"


@pytest.mark.feature("L023")
def test_filters() -> None:
    found = [ipaddress.ip_interface(one) for one in ("10.5.0.2/24", "10.244.0.1/24", "fd00::2/64")]
    assert texts(_address_order.filtered(found, (), ("10.244.0.0/16",))) == ["10.5.0.2/24", "fd00::2/64"]
    assert texts(_address_order.filtered(found, ("10.244.0.0/16", "fd00::/8"), ())) == ["10.244.0.1/24", "fd00::2/64"]


@pytest.mark.feature("N012", "L019")
def test_names_the_host_dns_answers() -> None:
    known = names_of(
        [("Registry.Example.org.", ["192.0.2.80"]), ("cp-2", ["192.0.2.2"])],
        [("node-1", "cp-1.example.org", ["10.5.0.2", "fd00::2"]), ("cp-2", "cp-2", ["10.5.0.3"])],
    )
    assert [str(one) for one in known["cp-1"]] == ["10.5.0.2", "fd00::2"]
    assert known["node-1"] == known["cp-1.example.org"] == known["cp-1"]
    assert [str(one) for one in known["registry.example.org"]] == ["192.0.2.80"]
    assert [str(one) for one in known["cp-2"]] == ["192.0.2.2"]


@pytest.mark.parametrize("bits", [0, 0x80, 0x82, 0x2C0, 0x201])
def test_address_flags_are_spelled_as_on_the_wire(bits: int) -> None:
    assert _texts.address_flags(bits) == _codec.flags_to_text(bits, _codec._ADDRESS_FLAGS)
    assert _texts.address_flag_bits(_texts.address_flags(bits)) == bits
