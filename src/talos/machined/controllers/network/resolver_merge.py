"""Specs of all layers merged into the one to apply.

Within a layer several sources add up (two DHCP links). A higher layer replaces the servers as a whole, per address
family where it names servers of one family only, and the search domains unless it has none.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import msgspec

from talos.machined.controllers.network import _merging
from talos.machinery.resources.network.resolver_spec import RESOLVER_ID, NameServerSpec, ResolverSpec


def servers_of(spec: ResolverSpec.Spec) -> tuple[NameServerSpec, ...]:
    """Name servers of a spec, whether it lists plain addresses or servers with a protocol."""
    return spec.name_servers or tuple(NameServerSpec(addr=one) for one in spec.dns_servers)


def _over(lower: Sequence[NameServerSpec], upper: Sequence[NameServerSpec]) -> tuple[NameServerSpec, ...]:
    versions = {ipaddress.ip_address(one.addr).version for one in upper}
    kept = [one for one in lower if ipaddress.ip_address(one.addr).version not in versions]
    return (*upper, *kept)


class ResolverMergeController(_merging.LayerMerge[ResolverSpec]):
    """Merges ResolverSpec of all layers."""

    kind = ResolverSpec

    def key(self, source: ResolverSpec) -> str:
        """There is one for the machine, whatever a source calls its own."""
        return RESOLVER_ID

    def merge(self, lower: ResolverSpec.Spec, upper: ResolverSpec.Spec) -> ResolverSpec.Spec:
        """Servers and search domains each by their own rule."""
        mine, theirs = servers_of(lower), servers_of(upper)
        if lower.config_layer is upper.config_layer:
            servers = tuple(dict.fromkeys((*mine, *theirs)))
            domains = tuple(dict.fromkeys((*lower.search_domains, *upper.search_domains)))
        else:
            servers = _over(mine, theirs)
            replaced = bool(upper.search_domains) or upper.search_domains_overridden
            domains = upper.search_domains if replaced else lower.search_domains
        return msgspec.structs.replace(
            upper,
            name_servers=servers,
            dns_servers=tuple(one.addr for one in servers),
            search_domains=domains,
            search_domains_overridden=lower.search_domains_overridden or upper.search_domains_overridden,
        )
