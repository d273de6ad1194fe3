"""Resource type DiscoveryConfigs.cluster.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource

CONFIG_ID = "cluster"


class ServiceEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One discovery service and how to reach it."""

    name: str = ""
    endpoint: str = ""
    insecure: bool = False


class DiscoveryConfig(resource.Resource["DiscoveryConfig.Spec"]):
    """Which registries nodes find each other by."""

    definition = resource.Definition(
        type="DiscoveryConfigs.cluster.talos.dev",
        namespace="config",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.cluster.ConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"service_endpoint_insecure"})

        discovery_enabled: bool = msgspec.field(default=False, name="discoveryEnabled")
        registry_kubernetes_enabled: bool = msgspec.field(default=False, name="registryKubernetesEnabled")
        registry_service_enabled: bool = msgspec.field(default=False, name="registryServiceEnabled")
        service_endpoint: str = msgspec.field(default="", name="serviceEndpoint")
        service_endpoint_insecure: bool = msgspec.field(default=False, name="serviceEndpointInsecure")
        service_encryption_key: bytes = msgspec.field(default=b"", name="serviceEncryptionKey")
        service_cluster_id: str = msgspec.field(default="", name="serviceClusterID")
        service_endpoints: tuple[ServiceEndpoint, ...] = msgspec.field(default=(), name="serviceEndpoints")
