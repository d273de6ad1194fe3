"""Resource type SiderolinkTunnels.siderolink.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

TUNNEL_ID = "siderolink-tunnel"


class SiderolinkTunnel(resource.Resource["SiderolinkTunnel.Spec"]):
    """Tunnel to the management server over gRPC."""

    definition = resource.Definition(
        type="SiderolinkTunnels.siderolink.talos.dev",
        namespace="config",
        print_columns=(
            resource.PrintColumn("API Endpoint", "{.apiEndpoint}"),
            resource.PrintColumn("Link name", "{.linkName}"),
            resource.PrintColumn("MTU", "{.mtu}"),
            resource.PrintColumn("Node address", "{.nodeAddress}"),
        ),
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.siderolink.TunnelSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        api_endpoint: str = msgspec.field(default="", name="apiEndpoint")
        link_name: str = msgspec.field(default="", name="linkName")
        mtu: int = 0
        node_address: str = msgspec.field(default="", name="nodeAddress")
