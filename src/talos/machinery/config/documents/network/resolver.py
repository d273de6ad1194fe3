"""Document ResolverConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class NameserverConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ResolverConfig."""

    address: str = ""
    protocol: str = ""
    tls_server_name: str = msgspec.field(default="", name="tlsServerName")


class SearchDomainsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ResolverConfig."""

    domains: tuple[str, ...] = ()
    disable_default: bool | None = msgspec.field(default=None, name="disableDefault")


class HostDNSConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ResolverConfig."""

    enabled: bool | None = None
    forward_kube_dns_to_host: bool | None = msgspec.field(default=None, name="forwardKubeDNSToHost")
    resolve_member_names: bool | None = msgspec.field(default=None, name="resolveMemberNames")


class ResolverConfig(document.Document, frozen=True, kw_only=True):
    """Resolver config."""

    kind: ClassVar[str] = "ResolverConfig"
    legacy_fields: ClassVar[tuple[str, ...]] = (
        "machine.network.searchDomains",
        "machine.network.nameservers",
        "machine.network.disableSearchDomain",
        "machine.features.hostDNS",
    )

    nameservers: tuple[NameserverConfig, ...] = ()
    search_domains: SearchDomainsConfig | None = msgspec.field(default=None, name="searchDomains")
    host_dns: HostDNSConfig | None = msgspec.field(default=None, name="hostDNS")
