"""Resource type AuthorizationConfigs.kubernetes.talos.dev."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.cosi import resource

AUTHORIZATION_CONFIG_ID = "authorization"


class AuthorizationAuthorizersSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One authorizer of the chain."""

    type: str = ""
    name: str = ""
    webhook: dict[str, Any] = msgspec.field(default_factory=dict)


class AuthorizationConfig(resource.Resource["AuthorizationConfig.Spec"]):
    """Chain of authorizers of the API server."""

    definition = resource.Definition(
        type="AuthorizationConfigs.kubernetes.talos.dev",
        namespace="controlplane",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.k8s.AuthorizationConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        image: str = ""
        config: tuple[AuthorizationAuthorizersSpec, ...] = ()
