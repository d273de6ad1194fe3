"""Resource type ResolverStatuses.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.resources.network import resolver_spec


class ResolverStatus(resource.Resource["ResolverStatus.Spec"]):
    """Name servers and search domains in use."""

    definition = resource.Definition(
        type="ResolverStatuses.net.talos.dev",
        namespace="network",
        aliases=("resolvers",),
        print_columns=(
            resource.PrintColumn("Resolvers", "{.dnsServers}"),
            resource.PrintColumn("Search Domains", "{.searchDomains}"),
        ),
        message="talos.resource.definitions.network.ResolverStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"name_servers"})

        dns_servers: tuple[str, ...] = msgspec.field(default=(), name="dnsServers")
        name_servers: tuple[resolver_spec.NameServerSpec, ...] = msgspec.field(default=(), name="nameServers")
        search_domains: tuple[str, ...] = msgspec.field(default=(), name="searchDomains")
