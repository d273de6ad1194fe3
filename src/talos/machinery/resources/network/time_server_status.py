"""Resource type TimeServerStatuses.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class TimeServerStatus(resource.Resource["TimeServerStatus.Spec"]):
    """Time servers in use."""

    definition = resource.Definition(
        type="TimeServerStatuses.net.talos.dev",
        namespace="network",
        aliases=(
            "timeserver",
            "timeservers",
        ),
        print_columns=(
            resource.PrintColumn("Timeservers", "{.timeServers}"),
            resource.PrintColumn("UseNTS", "{.useNTS}"),
        ),
        message="talos.resource.definitions.network.TimeServerStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        ntp_servers: tuple[str, ...] = msgspec.field(default=(), name="timeServers")
        use_nts: bool = msgspec.field(default=False, name="useNTS")
