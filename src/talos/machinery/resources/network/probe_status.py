"""Resource type ProbeStatuses.net.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class ProbeStatus(resource.Resource["ProbeStatus.Spec"]):
    """Whether a check of connectivity succeeds."""

    definition = resource.Definition(
        type="ProbeStatuses.net.talos.dev",
        namespace="network",
        aliases=(
            "probe",
            "probes",
        ),
        print_columns=(resource.PrintColumn("Success", "{.success}"),),
        message="talos.resource.definitions.network.ProbeStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        success: bool = False
        last_error: str = msgspec.field(default="", name="lastError")
