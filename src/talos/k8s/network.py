"""Addresses that follow from the cluster's ranges: the API server's service address and the DNS service's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from talos.base import errors

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_API_SERVER_OFFSET = 1
_DNS_OFFSET = 10


def networks(cidrs: Iterable[str]) -> list[Network]:
    """Parse ranges; host bits are dropped. Raises Invalid."""
    found: list[Network] = []
    for cidr in cidrs:
        try:
            found.append(ipaddress.ip_network(cidr, strict=False))
        except ValueError as error:
            raise errors.Invalid(str(error)) from error
    return found


def nth(network: Network, number: int) -> Address:
    """Return the address at an offset. Raises Invalid if the range is too small."""
    if number >= network.num_addresses:
        raise errors.Invalid(f"range {network} has no address number {number}")
    return network[number]


def api_server_service(service_cidrs: Iterable[str]) -> list[Address]:
    """Return the addresses of the service `kubernetes.default`, one per range."""
    return [nth(network, _API_SERVER_OFFSET) for network in networks(service_cidrs)]


def dns_service(service_cidrs: Iterable[str]) -> list[Address]:
    """Return the addresses of the service `kube-system/kube-dns`, one per range."""
    return [nth(network, _DNS_OFFSET) for network in networks(service_cidrs)]


def within(address: Address, subnets: Iterable[str]) -> bool:
    """Tell whether the address lies in a list of subnets; entries with `!` exclude; none included means all."""
    subnets = list(subnets)
    included = [s for s in subnets if not s.startswith("!")]
    excluded = [s.removeprefix("!") for s in subnets if s.startswith("!")]
    if included and not any(address in n for n in networks(included) if n.version == address.version):
        return False
    return not any(address in n for n in networks(excluded) if n.version == address.version)
