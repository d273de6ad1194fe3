"""Resource type AcquireConfigStatuses.v1alpha1.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class AcquireConfigStatus(resource.Resource["AcquireConfigStatus.Spec"]):
    """Exists when the machine's configuration was found."""

    definition = resource.Definition(type="AcquireConfigStatuses.v1alpha1.talos.dev", namespace="runtime")

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """There is nothing to say."""
