"""Resource type PCRStatuses.hardware.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class PCRStatus(resource.Resource["PCRStatus.Spec"]):
    """Tells that the TPM registers are extended for this boot."""

    definition = resource.Definition(type="PCRStatuses.hardware.talos.dev", namespace="hardware")

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        pcrs: tuple[int, ...] = ()
