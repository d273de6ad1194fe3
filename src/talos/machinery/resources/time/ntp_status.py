"""Resource type NTPStatuses.v1alpha1.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

NTP_STATUS_ID = "node"


class NTPStatus(resource.Resource["NTPStatus.Spec"]):
    """Whether the time server's answers jump."""

    definition = resource.Definition(
        type="NTPStatuses.v1alpha1.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Spike Detected", "{.spikeDetected}"),
            resource.PrintColumn("Consecutive Spikes", "{.consecutiveSpikes}"),
        ),
        message="talos.resource.definitions.time.NTPStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        spike_detected: bool = msgspec.field(default=False, name="spikeDetected")
        consecutive_spikes: int = msgspec.field(default=0, name="consecutiveSpikes")
