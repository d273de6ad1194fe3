"""Resource type CustomizationConfigs.cri.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class CustomizationConfig(resource.Resource["CustomizationConfig.Spec"]):
    """A piece of containerd configuration from the machine configuration."""

    definition = resource.Definition(
        type="CustomizationConfigs.cri.talos.dev",
        namespace="cri",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.cri.CustomizationConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        content: str = ""
