"""Resource type ResolverSpecs.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types

RESOLVER_ID = "resolvers"


class NameServerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A name server and how to speak to it."""

    addr: str = ""
    protocol: network_types.DNSProtocol = network_types.DNSProtocol.DEFAULT
    tls_server_name: str = msgspec.field(default="", name="tlsServerName")


class ResolverSpec(resource.Resource["ResolverSpec.Spec"]):
    """Name servers and search domains wanted."""

    definition = resource.Definition(
        type="ResolverSpecs.net.talos.dev",
        namespace="network",
        print_columns=(
            resource.PrintColumn("Layer", "{.layer}"),
            resource.PrintColumn("Resolvers", "{.dnsServers}"),
            resource.PrintColumn("Search Domains", "{.searchDomains}"),
        ),
        message="talos.resource.definitions.network.ResolverSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {"name_servers", "search_domains", "search_domains_overridden"}
        )

        dns_servers: tuple[str, ...] = msgspec.field(default=(), name="dnsServers")
        name_servers: tuple[NameServerSpec, ...] = msgspec.field(default=(), name="nameServers")
        config_layer: network_types.ConfigLayer = msgspec.field(default=network_types.ConfigLayer.DEFAULT, name="layer")
        search_domains: tuple[str, ...] = msgspec.field(default=(), name="searchDomains")
        search_domains_overridden: bool = msgspec.field(default=False, name="searchDomainsOverridden")
