"""Resource type HostnameStatuses.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class HostnameStatus(resource.Resource["HostnameStatus.Spec"]):
    """Name the machine has."""

    definition = resource.Definition(
        type="HostnameStatuses.net.talos.dev",
        namespace="network",
        aliases=("hostname",),
        print_columns=(
            resource.PrintColumn("Hostname", "{.hostname}"),
            resource.PrintColumn("Domainname", "{.domainname}"),
        ),
        message="talos.resource.definitions.network.HostnameStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        hostname: str = ""
        domainname: str = ""
