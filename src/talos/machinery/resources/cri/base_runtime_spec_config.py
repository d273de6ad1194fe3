"""Resource type BaseRuntimeSpecConfigs.cri.talos.dev."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.cosi import resource

BASE_RUNTIME_SPEC_DEFAULT_ID = "default"
BASE_RUNTIME_SPEC_OVERRIDES_ID = "overrides"


class BaseRuntimeSpecConfig(resource.Resource["BaseRuntimeSpecConfig.Spec"]):
    """Changes to the OCI specification every container starts from."""

    definition = resource.Definition(
        type="BaseRuntimeSpecConfigs.cri.talos.dev",
        namespace="cri",
        message="talos.resource.definitions.cri.BaseRuntimeSpecConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        inline: ClassVar[frozenset[str]] = frozenset({"object"})

        object: dict[str, Any] = msgspec.field(default_factory=dict)
