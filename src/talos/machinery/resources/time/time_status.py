"""Resource type TimeStatuses.v1alpha1.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

STATUS_ID = "node"


class TimeStatus(resource.Resource["TimeStatus.Spec"]):
    """Whether the clock is right; the epoch counts the jumps."""

    definition = resource.Definition(
        type="TimeStatuses.v1alpha1.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Synced", "{.synced}"),),
        message="talos.resource.definitions.time.StatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        synced: bool = False
        epoch: int = 0
        sync_disabled: bool = msgspec.field(default=False, name="syncDisabled")
