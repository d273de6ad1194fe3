"""Quantities, addresses of services, versions of images."""

from __future__ import annotations

import ipaddress
from decimal import Decimal

import pytest

from talos.base import errors
from talos.k8s import component, network, quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("200m", Decimal("0.2")),
        ("512Mi", Decimal(512 * 1024**2)),
        ("1.5G", Decimal(1_500_000_000)),
        ("1e3", Decimal(1000)),
        ("2", Decimal(2)),
        ("1Ki", Decimal(1024)),
        ("128974848", Decimal(128974848)),
        ("100n", Decimal("1e-7")),
    ],
)
def test_quantity(text: str, value: Decimal) -> None:
    assert quantity.parse(text) == value


@pytest.mark.parametrize("text", ["", "m", "12MiB", "0x10", "1 Gi", "1,5"])
def test_quantity_refuses(text: str) -> None:
    with pytest.raises(errors.Invalid, match="quantity"):
        quantity.parse(text)


def test_service_addresses() -> None:
    cidrs = ("10.96.0.0/12", "fc00:db8:20::/112")
    assert [str(a) for a in network.api_server_service(cidrs)] == ["10.96.0.1", "fc00:db8:20::1"]
    assert [str(a) for a in network.dns_service(cidrs)] == ["10.96.0.10", "fc00:db8:20::a"]


def test_too_small_a_range_is_refused() -> None:
    with pytest.raises(errors.Invalid, match=r"10\.0\.0\.0/30"):
        network.dns_service(["10.0.0.0/30"])


@pytest.mark.parametrize(
    ("subnets", "inside"),
    [
        ([], True),
        (["10.0.0.0/8"], True),
        (["192.168.0.0/16"], False),
        (["!10.5.0.0/24"], False),
        (["!192.168.0.0/16"], True),
        (["10.0.0.0/8", "!10.5.0.0/24"], False),
        (["fd00::/8"], False),
    ],
)
def test_within(subnets: list[str], inside: bool) -> None:
    assert network.within(ipaddress.ip_address("10.5.0.2"), subnets) is inside


@pytest.mark.parametrize(
    ("image", "expected", "label"),
    [
        ("registry.k8s.io/kube-apiserver:v1.37.2", (1, 37), "1.37.2"),
        ("registry.example:5000/x:1.36.0-rc.1@sha256:ab", (1, 36), "1.36.0-rc.1"),
        ("registry.example:5000/x", (65536, 0), ""),
        ("x@sha256:0123", (65536, 0), ""),
    ],
)
def test_component_version(image: str, expected: tuple[int, int], label: str) -> None:
    assert component.version(image) == expected
    assert component.version_label(image) == label
