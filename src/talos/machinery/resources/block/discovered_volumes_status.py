"""Resource type DiscoveredVolumesStatuses.block.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

DISCOVERED_VOLUMES_STATUS_ID = "discovered-volumes-status"


class DiscoveredVolumesStatus(resource.Resource["DiscoveredVolumesStatus.Spec"]):
    """Whether the first probing of all devices is complete."""

    definition = resource.Definition(
        type="DiscoveredVolumesStatuses.block.talos.dev",
        internal=True,
        namespace="runtime",
        print_columns=(resource.PrintColumn("Ready", "{.ready}"),),
        message="talos.resource.definitions.block.DiscoveredVolumesStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        ready: bool = False
