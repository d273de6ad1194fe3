"""Resource type WatchdogTimerConfigs.runtime.talos.dev."""

from __future__ import annotations

import datetime

import msgspec

from talos.cosi import resource

WATCHDOG_TIMER_CONFIG_ID = "timer"


class WatchdogTimerConfig(resource.Resource["WatchdogTimerConfig.Spec"]):
    """Watchdog device to be used, and its timeout."""

    definition = resource.Definition(
        type="WatchdogTimerConfigs.runtime.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Device", "{.device}"),
            resource.PrintColumn("Timeout", "{.timeout}"),
        ),
        message="talos.resource.definitions.runtime.WatchdogTimerConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        device: str = ""
        timeout: datetime.timedelta = datetime.timedelta()
