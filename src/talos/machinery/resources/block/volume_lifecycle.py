"""Resource type VolumeLifecycles.block.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

VOLUME_LIFECYCLE_ID = "volumes"


class VolumeLifecycle(resource.Resource["VolumeLifecycle.Spec"]):
    """Exists while volumes are needed; tearing it down unmounts them all."""

    definition = resource.Definition(type="VolumeLifecycles.block.talos.dev", namespace="runtime")

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """There is nothing to say."""
