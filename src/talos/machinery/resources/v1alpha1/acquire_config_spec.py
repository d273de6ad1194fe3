"""Resource type AcquireConfigSpecs.v1alpha1.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class AcquireConfigSpec(resource.Resource["AcquireConfigSpec.Spec"]):
    """Exists when the machine has to look for its configuration."""

    definition = resource.Definition(type="AcquireConfigSpecs.v1alpha1.talos.dev", namespace="runtime")

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """There is nothing to say."""
