"""Resource type SiderolinkConfigs.siderolink.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

CONFIG_ID = "siderolink"


class SiderolinkConfig(resource.Resource["SiderolinkConfig.Spec"]):
    """How to reach the management server."""

    definition = resource.Definition(
        type="SiderolinkConfigs.siderolink.talos.dev",
        namespace="config",
        print_columns=(
            resource.PrintColumn("API Endpoint", "{.apiEndpoint}"),
            resource.PrintColumn("Tunnel", "{.tunnel}"),
        ),
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.siderolink.ConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        api_endpoint: str = msgspec.field(default="", name="apiEndpoint")
        host: str = ""
        join_token: str = msgspec.field(default="", name="joinToken")
        insecure: bool = False
        tunnel: bool = False
