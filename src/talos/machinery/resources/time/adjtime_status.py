"""Resource type AdjtimeStatuses.v1alpha1.talos.dev."""

from __future__ import annotations

import datetime

import msgspec

from talos.cosi import resource

ADJTIME_STATUS_ID = "node"


class AdjtimeStatus(resource.Resource["AdjtimeStatus.Spec"]):
    """How the kernel disciplines the clock."""

    definition = resource.Definition(
        type="AdjtimeStatuses.v1alpha1.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Offset", "{.offset}"),
            resource.PrintColumn("EstError", "{.estError}"),
            resource.PrintColumn("MaxError", "{.maxError}"),
            resource.PrintColumn("Status", "{.status}"),
            resource.PrintColumn("Sync", "{.syncStatus}"),
        ),
        message="talos.resource.definitions.time.AdjtimeStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        offset: datetime.timedelta = datetime.timedelta()
        frequency_adjustment_ratio: float = msgspec.field(default=0.0, name="frequencyAdjustmentRatio")
        max_error: datetime.timedelta = msgspec.field(default=datetime.timedelta(), name="maxError")
        est_error: datetime.timedelta = msgspec.field(default=datetime.timedelta(), name="estError")
        status: str = ""
        constant: int = 0
        sync_status: bool = msgspec.field(default=False, name="syncStatus")
        state: str = ""
