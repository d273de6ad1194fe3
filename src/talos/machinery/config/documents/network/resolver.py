"""Document ResolverConfig: how names are resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from talos.machinery.config import document, findings, values

if TYPE_CHECKING:
    from talos.machinery.config import v1alpha1

PROTOCOLS = ("Do53", "DoT", "DoH")


class NameserverConfig(document.Section, frozen=True, kw_only=True):
    """A name server."""

    address: Annotated[values.Address, values.ALWAYS] = ""
    """Its address."""
    protocol: Annotated[str, values.Choice(PROTOCOLS)] = ""
    """Plain DNS (Do53, the default), over TLS (DoT) or HTTPS (DoH)."""
    tls_server_name: str = ""
    """Name its certificate must have; only with TLS."""


class SearchDomainsConfig(document.Section, frozen=True, kw_only=True):
    """Domains tried for short names."""

    domains: tuple[str, ...] = ()
    """The domains."""
    disable_default: bool | None = None
    """Do not try the machine's own domain."""


class HostDNSConfig(document.Section, frozen=True, kw_only=True):
    """Caching resolver of the machine."""

    enabled: bool | None = None
    """Run it."""
    forward_kube_dns_to_host: bool | None = document.named("forwardKubeDNSToHost", None)
    """Let CoreDNS ask it."""
    resolve_member_names: bool | None = None
    """Answer for the names of cluster members."""


class ResolverConfig(document.Document, frozen=True, kw_only=True):
    """Name servers, search domains and the machine's own resolver."""

    kind: ClassVar[str] = "ResolverConfig"

    nameservers: tuple[NameserverConfig, ...] = ()
    """Name servers, in order; instead of those the network names."""
    search_domains: SearchDomainsConfig | None = None
    """Domains tried for short names."""
    host_dns: HostDNSConfig | None = document.named("hostDNS", None)
    """The machine's own resolver."""

    def validate(self, found: findings.Findings) -> None:
        """TLS needs a name, and some switches need the resolver."""
        for n, server in enumerate(self.nameservers):
            found.require(server.address, f"nameservers[{n}].address")
            encrypted = server.protocol in ("DoT", "DoH")
            if encrypted:
                found.require(server.tls_server_name, f"nameservers[{n}].tlsServerName")
            elif server.tls_server_name:
                found.error(f"nameservers[{n}].tlsServerName", "is used with DoT and DoH only")
        dns = self.host_dns
        if dns is not None and not dns.enabled:
            if dns.forward_kube_dns_to_host:
                found.error("hostDNS.forwardKubeDNSToHost", "needs hostDNS.enabled")
            if dns.resolve_member_names:
                found.error("hostDNS.resolveMemberNames", "needs hostDNS.enabled")

    def conflicts(self, config: v1alpha1.Config) -> list[str]:
        """Each part contradicts its old place only."""
        network = config.machine.network if config.machine else None
        features = config.machine.features if config.machine else None
        domains = self.search_domains
        both = {
            "machine.network.nameservers": self.nameservers and network and network.nameservers,
            "machine.network.searchDomains": domains and domains.domains and network and network.search_domains,
            "machine.network.disableSearchDomain": domains
            and domains.disable_default is not None
            and network
            and network.disable_search_domain is not None,
            "machine.features.hostDNS": self.host_dns and features and features.host_dns,
        }
        return [path for path, at_once in both.items() if at_once]

    @classmethod
    def example(cls) -> ResolverConfig:
        """DNS over TLS, and a cache."""
        return cls(
            nameservers=(NameserverConfig(address="9.9.9.9", protocol="DoT", tls_server_name="dns.quad9.net"),),
            search_domains=SearchDomainsConfig(domains=("example.org",)),
            host_dns=HostDNSConfig(enabled=True, forward_kube_dns_to_host=True),
        )
