"""Resource type FSScrubSchedules.block.talos.dev."""

from __future__ import annotations

import datetime

import msgspec

from talos.cosi import resource
from talos.machinery.types import block as block_types


class FSScrubSchedule(resource.Resource["FSScrubSchedule.Spec"]):
    """When a mounted file system is checked next."""

    definition = resource.Definition(
        type="FSScrubSchedules.block.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Filesystem", "{.filesystem}"),
            resource.PrintColumn("Interval", "{.interval}"),
            resource.PrintColumn("Next Scrub", "{.nextScrub}"),
        ),
        message="talos.resource.definitions.block.FSScrubScheduleSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        filesystem: block_types.FilesystemType = block_types.FilesystemType.NONE
        interval: datetime.timedelta = datetime.timedelta()
        next_scrub: datetime.datetime | None = msgspec.field(default=None, name="nextScrub")
