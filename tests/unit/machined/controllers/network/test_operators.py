"""Who asks for an address, and what a lease becomes."""

import ipaddress

import pytest

from talos.linux import dhcp4
from talos.machined.controllers.network import _dhcp4_client, operator_config
from talos.machinery.config import container, loader
from talos.machinery.resources.network.address_spec import AddressSpec
from talos.machinery.resources.network.operator_spec import DHCP4OperatorSpec
from talos.machinery.resources.network.resolver_spec import ResolverSpec
from talos.machinery.resources.network.route_spec import RouteSpec
from talos.machinery.types import network

EMPTY = container.Container(None)


def planned(text: str, *ports: str) -> dict[str, tuple[str, int]]:
    config = loader.load(text.encode()) if text else EMPTY
    return {
        one.link_name: (str(one.config_layer), one.dhcp4.route_metric) for one in operator_config.plan(config, ports)
    }


def test_every_port_asks_when_nothing_is_configured() -> None:
    assert planned("", "eth0", "eth1") == {"eth0": ("default", 1024), "eth1": ("default", 1024)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apiVersion: v1alpha1\nkind: LinkConfig\nname: eth0\n", {"eth1": ("default", 1024)}),
        (
            "apiVersion: v1alpha1\nkind: DHCPv4Config\nname: eth0\nrouteMetric: 5\n",
            {"eth0": ("configuration", 5), "eth1": ("default", 1024)},
        ),
        (
            "apiVersion: v1alpha1\nkind: LinkConfig\nname: eth0\n---\n"
            "apiVersion: v1alpha1\nkind: DHCPv4Config\nname: eth0\n",
            {"eth0": ("configuration", 1024), "eth1": ("default", 1024)},
        ),
        (
            "apiVersion: v1alpha1\nkind: DHCPv4Config\nname: bond0\n",
            {"bond0": ("configuration", 1024), "eth0": ("default", 1024), "eth1": ("default", 1024)},
        ),
    ],
)
def test_the_configuration_has_the_last_word(text: str, expected: dict[str, tuple[str, int]]) -> None:
    assert planned(text, "eth0", "eth1") == expected


LEASE = dhcp4.Lease(
    address=ipaddress.IPv4Interface("10.0.2.15/24"),
    server=ipaddress.IPv4Address("10.0.2.2"),
    lease_s=3600,
    renew_s=1800,
    rebind_s=3000,
    gateways=(ipaddress.IPv4Address("10.0.2.2"),),
    dns=(ipaddress.IPv4Address("10.0.2.3"),),
    hostname="node-1",
    domain="example.org",
)


def test_a_lease_becomes_specs_of_the_operator_layer() -> None:
    made = _dhcp4_client.specs("eth0", LEASE, DHCP4OperatorSpec(route_metric=50))
    assert all(one.spec.config_layer is network.ConfigLayer.OPERATOR for one in made)
    by_kind = {type(one): one.spec for one in made}
    assert by_kind[AddressSpec].address == "10.0.2.15/24"
    route = by_kind[RouteSpec]
    assert (route.gateway, route.destination, route.priority, route.out_link_name) == ("10.0.2.2", "", 50, "eth0")
    assert by_kind[ResolverSpec].dns_servers == ("10.0.2.3",)


def test_what_is_not_wanted_is_left_out() -> None:
    wanted = DHCP4OperatorSpec(skip_routes=True, skip_hostname_request=True)
    kinds = {type(one).__name__ for one in _dhcp4_client.specs("eth0", LEASE, wanted)}
    assert kinds == {"AddressSpec", "ResolverSpec"}
