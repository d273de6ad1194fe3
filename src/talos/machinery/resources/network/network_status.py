"""Resource type NetworkStatuses.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

STATUS_ID = "status"


class NetworkStatus(resource.Resource["NetworkStatus.Spec"]):
    """Which parts of the network are ready."""

    definition = resource.Definition(
        type="NetworkStatuses.net.talos.dev",
        namespace="network",
        aliases=(
            "netstatus",
            "netstatuses",
        ),
        print_columns=(
            resource.PrintColumn("Address", "{.addressReady}"),
            resource.PrintColumn("Connectivity", "{.connectivityReady}"),
            resource.PrintColumn("Hostname", "{.hostnameReady}"),
            resource.PrintColumn("Etc", "{.etcFilesReady}"),
        ),
        message="talos.resource.definitions.network.StatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        address_ready: bool = msgspec.field(default=False, name="addressReady")
        connectivity_ready: bool = msgspec.field(default=False, name="connectivityReady")
        hostname_ready: bool = msgspec.field(default=False, name="hostnameReady")
        etc_files_ready: bool = msgspec.field(default=False, name="etcFilesReady")
