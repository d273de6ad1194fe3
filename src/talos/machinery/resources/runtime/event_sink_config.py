"""Resource type EventSinkConfigs.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

EVENT_SINK_CONFIG_ID = "event-sink"


class EventSinkConfig(resource.Resource["EventSinkConfig.Spec"]):
    """Where machine events are sent."""

    definition = resource.Definition(
        type="EventSinkConfigs.runtime.talos.dev",
        namespace="runtime",
        message="talos.resource.definitions.runtime.EventSinkConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        endpoint: str = ""
