"""Resource type AuditPolicyConfigs.kubernetes.talos.dev."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.cosi import resource

AUDIT_POLICY_CONFIG_ID = "audit-policy"


class AuditPolicyConfig(resource.Resource["AuditPolicyConfig.Spec"]):
    """Audit policy of the API server."""

    definition = resource.Definition(
        type="AuditPolicyConfigs.kubernetes.talos.dev",
        namespace="controlplane",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.k8s.AuditPolicyConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        config: dict[str, Any] = msgspec.field(default_factory=dict)
