"""Resource type PCRStatuses.hardware.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class PCRStatus(resource.Resource["PCRStatus.Spec"]):
    """Pcrstatus."""

    definition = resource.Definition(type="PCRStatuses.hardware.talos.dev", namespace="hardware")

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """Spec of PCRStatus."""

        pcrs: tuple[int, ...] = ()
