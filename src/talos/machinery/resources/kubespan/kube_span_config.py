"""Resource type KubeSpanConfigs.kubespan.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource

CONFIG_ID = "kubespan"


class KubeSpanConfig(resource.Resource["KubeSpanConfig.Spec"]):
    """Settings of the mesh between nodes."""

    definition = resource.Definition(
        type="KubeSpanConfigs.kubespan.talos.dev",
        namespace="config",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.kubespan.ConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {"mtu", "endpoint_filters", "extra_endpoints", "exclude_advertised_networks"}
        )

        enabled: bool = False
        cluster_id: str = msgspec.field(default="", name="clusterId")
        shared_secret: str = msgspec.field(default="", name="sharedSecret")
        force_routing: bool = msgspec.field(default=False, name="forceRouting")
        advertise_kubernetes_networks: bool = msgspec.field(default=False, name="advertiseKubernetesNetworks")
        mtu: int = 0
        endpoint_filters: tuple[str, ...] = msgspec.field(default=(), name="endpointFilters")
        harvest_extra_endpoints: bool = msgspec.field(default=False, name="harvestExtraEndpoints")
        extra_endpoints: tuple[str, ...] = msgspec.field(default=(), name="extraEndpoints")
        exclude_advertised_networks: tuple[str, ...] = msgspec.field(default=(), name="excludeAdvertisedNetworks")
