"""Resource type TimeServerSpecs.net.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource
from talos.machinery.types import network as network_types

TIME_SERVER_ID = "timeservers"


class TimeServerSpec(resource.Resource["TimeServerSpec.Spec"]):
    """Time servers wanted."""

    definition = resource.Definition(
        type="TimeServerSpecs.net.talos.dev",
        namespace="network",
        print_columns=(
            resource.PrintColumn("Timeservers", "{.timeServers}"),
            resource.PrintColumn("UseNTS", "{.useNTS}"),
        ),
        message="talos.resource.definitions.network.TimeServerSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"use_nts"})

        ntp_servers: tuple[str, ...] = msgspec.field(default=(), name="timeServers")
        use_nts: bool = msgspec.field(default=False, name="useNTS")
        config_layer: network_types.ConfigLayer = msgspec.field(default=network_types.ConfigLayer.DEFAULT, name="layer")
