"""Resource type PlatformConfigs.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.resources.network import (
    address_spec,
    hostname_spec,
    link_spec,
    operator_spec,
    probe_spec,
    resolver_spec,
    route_spec,
    time_server_spec,
)
from talos.machinery.resources.runtime import platform_metadata

PLATFORM_CONFIG_ACTIVE_ID = "active"
PLATFORM_CONFIG_CACHED_ID = "cached"


class PlatformConfig(resource.Resource["PlatformConfig.Spec"]):
    """Network configuration and metadata the platform gave."""

    definition = resource.Definition(
        type="PlatformConfigs.net.talos.dev",
        namespace="network",
        message="talos.resource.definitions.network.PlatformConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"probes", "metadata"})

        addresses: tuple[address_spec.AddressSpec.Spec, ...] = ()
        links: tuple[link_spec.LinkSpec.Spec, ...] = ()
        routes: tuple[route_spec.RouteSpec.Spec, ...] = ()
        hostnames: tuple[hostname_spec.HostnameSpec.Spec, ...] = ()
        resolvers: tuple[resolver_spec.ResolverSpec.Spec, ...] = ()
        time_servers: tuple[time_server_spec.TimeServerSpec.Spec, ...] = msgspec.field(default=(), name="timeServers")
        operators: tuple[operator_spec.OperatorSpec.Spec, ...] = ()
        external_ips: tuple[str, ...] = msgspec.field(default=(), name="externalIPs")
        probes: tuple[probe_spec.ProbeSpec.Spec, ...] = ()
        metadata: platform_metadata.PlatformMetadata.Spec | None = None
