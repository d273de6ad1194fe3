"""Resource type VolumeTrimSchedules.block.talos.dev."""

from __future__ import annotations

import datetime

import msgspec

from talos.cosi import resource
from talos.machinery.types import block as block_types


class VolumeTrimSchedule(resource.Resource["VolumeTrimSchedule.Spec"]):
    """When unused blocks of a volume are given back next."""

    definition = resource.Definition(
        type="VolumeTrimSchedules.block.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Filesystem", "{.filesystem}"),
            resource.PrintColumn("Interval", "{.interval}"),
            resource.PrintColumn("Next Trim", "{.nextTrim}"),
        ),
        message="talos.resource.definitions.block.VolumeTrimScheduleSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        filesystem: block_types.FilesystemType = block_types.FilesystemType.NONE
        interval: datetime.timedelta = datetime.timedelta()
        next_trim: datetime.datetime | None = msgspec.field(default=None, name="nextTrim")
