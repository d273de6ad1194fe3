"""Resource type SeccompProfiles.cri.talos.dev."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.cosi import resource


class SeccompProfile(resource.Resource["SeccompProfile.Spec"]):
    """A seccomp profile that pods may name."""

    definition = resource.Definition(
        type="SeccompProfiles.cri.talos.dev",
        namespace="cri",
        message="talos.resource.definitions.cri.SeccompProfileSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        name: str = ""
        value: dict[str, Any] = msgspec.field(default_factory=dict)
