"""Document KubeSpanConfig: a mesh of tunnels between all machines."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings, values

MINIMUM_MTU = 1280


class KubeSpanFiltersConfig(document.Section, frozen=True, kw_only=True):
    """What is announced to other machines."""

    endpoints: tuple[str, ...] = ()
    """Prefixes of endpoints to announce; one with `!` in front excludes."""
    exclude_advertised_networks: tuple[values.Prefix, ...] = ()
    """Prefixes not to announce as reachable here."""


class KubeSpanConfig(document.Document, frozen=True, kw_only=True):
    """WireGuard between all members of the cluster, through NAT where there is some."""

    kind: ClassVar[str] = "KubeSpanConfig"
    legacy: ClassVar[tuple[str, ...]] = ("machine.network.kubespan",)

    enabled: bool | None = None
    """Take part."""
    advertise_kubernetes_networks: bool | None = None
    """Announce the pod network too."""
    allow_down_peer_bypass: bool | None = None
    """Send in the clear to a machine whose tunnel is down."""
    harvest_extra_endpoints: bool | None = None
    """Tell others where a peer was seen."""
    mtu: values.U32 | None = None
    """Largest packet in a tunnel, 1420 by default."""
    filters: KubeSpanFiltersConfig | None = None
    """What is announced."""

    def validate(self, found: findings.Findings) -> None:
        """IPv6 must fit, and filters be prefixes."""
        if self.mtu is not None and self.mtu < MINIMUM_MTU:
            found.error("mtu", f"at least {MINIMUM_MTU} is needed, got {self.mtu}")
        if self.filters is not None:
            checks.subnets_or_addresses(found, "filters.endpoints", self.filters.endpoints)

    @classmethod
    def example(cls) -> KubeSpanConfig:
        """Switched on, only by public addresses."""
        return cls(enabled=True, filters=KubeSpanFiltersConfig(endpoints=("0.0.0.0/0", "!192.168.0.0/16", "::/0")))
