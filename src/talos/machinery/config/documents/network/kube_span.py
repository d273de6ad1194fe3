"""Document KubeSpanConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class KubeSpanFiltersConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of KubeSpanConfig."""

    endpoints: tuple[str, ...] = ()
    exclude_advertised_networks: tuple[str, ...] = msgspec.field(default=(), name="excludeAdvertisedNetworks")


class KubeSpanConfig(document.Document, frozen=True, kw_only=True):
    """Kube span config."""

    kind: ClassVar[str] = "KubeSpanConfig"

    enabled: bool | None = None
    advertise_kubernetes_networks: bool | None = msgspec.field(default=None, name="advertiseKubernetesNetworks")
    allow_down_peer_bypass: bool | None = msgspec.field(default=None, name="allowDownPeerBypass")
    harvest_extra_endpoints: bool | None = msgspec.field(default=None, name="harvestExtraEndpoints")
    mtu: int | None = None
    filters: KubeSpanFiltersConfig | None = None
