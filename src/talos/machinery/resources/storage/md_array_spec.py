"""Resource type MDArraySpecs.storage.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import storage as storage_types


class MDArraySpec(resource.Resource["MDArraySpec.Spec"]):
    """A RAID array wanted."""

    definition = resource.Definition(
        type="MDArraySpecs.storage.talos.dev",
        namespace="storage",
        print_columns=(resource.PrintColumn("Level", "{.level}"),),
        message="talos.resource.definitions.storage.MDArraySpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        level: storage_types.MDLevel = storage_types.MDLevel.RAID1
        volume_selector: str = msgspec.field(default="", name="volumeSelector")
        metadata: storage_types.MDMetadata = storage_types.MDMetadata.MD_METADATA10
