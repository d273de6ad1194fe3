"""Resource type SiderolinkStatuses.siderolink.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

STATUS_ID = "siderolink-status"


class SiderolinkStatus(resource.Resource["SiderolinkStatus.Spec"]):
    """Whether the management server is reached."""

    definition = resource.Definition(
        type="SiderolinkStatuses.siderolink.talos.dev",
        namespace="config",
        print_columns=(
            resource.PrintColumn("Host", "{.host}"),
            resource.PrintColumn("Connected", "{.connected}"),
        ),
        message="talos.resource.definitions.siderolink.StatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        host: str = ""
        connected: bool = False
        link_name: str = msgspec.field(default="", name="linkName")
        grpc_tunnel: bool = msgspec.field(default=False, name="grpcTunnel")
