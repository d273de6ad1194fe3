"""Resource type FSScrubStatuses.block.talos.dev."""

from __future__ import annotations

import datetime

import msgspec

from talos.cosi import resource


class FSScrubStatus(resource.Resource["FSScrubStatus.Spec"]):
    """How the last check of a mounted file system went."""

    definition = resource.Definition(
        type="FSScrubStatuses.block.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Mountpoint", "{.mountpoint}"),
            resource.PrintColumn("Interval", "{.interval}"),
            resource.PrintColumn("Latest start time", "{.time}"),
            resource.PrintColumn("Latest run duration", "{.duration}"),
            resource.PrintColumn("Latest status", "{.status}"),
        ),
        message="talos.resource.definitions.block.FSScrubStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        mountpoint: str = ""
        interval: datetime.timedelta = datetime.timedelta()
        time: datetime.datetime | None = None
        duration: datetime.timedelta = datetime.timedelta()
        status: str = ""
