"""Resource type AuthenticationConfigs.kubernetes.talos.dev."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.cosi import resource

AUTHENTICATION_CONFIG_ID = "authentication-config"


class AuthenticationConfig(resource.Resource["AuthenticationConfig.Spec"]):
    """Structured authentication of the API server."""

    definition = resource.Definition(
        type="AuthenticationConfigs.kubernetes.talos.dev",
        namespace="controlplane",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.k8s.AuthenticationConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        config: dict[str, Any] = msgspec.field(default_factory=dict)
