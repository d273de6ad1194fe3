"""Resource type MaintenanceServiceConfigs.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

MAINTENANCE_SERVICE_CONFIG_ID = "maintenance"


class MaintenanceServiceConfig(resource.Resource["MaintenanceServiceConfig.Spec"]):
    """Where the API listens before there is a configuration."""

    definition = resource.Definition(
        type="MaintenanceServiceConfigs.runtime.talos.dev",
        namespace="runtime",
        message="talos.resource.definitions.runtime.MaintenanceServiceConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        listen_address: str = msgspec.field(default="", name="listenAddress")
        reachable_addresses: tuple[str, ...] = msgspec.field(default=(), name="reachableAddresses")
