"""Resource type WatchdogTimerStatuses.runtime.talos.dev."""

from __future__ import annotations

import datetime

import msgspec

from talos.cosi import resource


class WatchdogTimerStatus(resource.Resource["WatchdogTimerStatus.Spec"]):
    """Watchdog device in use."""

    definition = resource.Definition(
        type="WatchdogTimerStatuses.runtime.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Device", "{.device}"),
            resource.PrintColumn("Timeout", "{.timeout}"),
        ),
        message="talos.resource.definitions.runtime.WatchdogTimerStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        device: str = ""
        timeout: datetime.timedelta = datetime.timedelta()
        feed_interval: datetime.timedelta = msgspec.field(default=datetime.timedelta(), name="feedInterval")
