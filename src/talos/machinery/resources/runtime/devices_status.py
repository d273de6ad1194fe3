"""Resource type DevicesStatuses.runtime.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

DEVICES_ID = "devices"


class DevicesStatus(resource.Resource["DevicesStatus.Spec"]):
    """Whether the kernel's device events have settled."""

    definition = resource.Definition(
        type="DevicesStatuses.runtime.talos.dev",
        namespace="runtime",
        print_columns=(resource.PrintColumn("Ready", "{.ready}"),),
        message="talos.resource.definitions.runtime.DevicesStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        ready: bool = False
