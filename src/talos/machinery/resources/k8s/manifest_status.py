"""Resource type ManifestStatuses.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

MANIFEST_STATUS_ID = "manifests"


class ManifestStatus(resource.Resource["ManifestStatus.Spec"]):
    """Which manifests were applied."""

    definition = resource.Definition(
        type="ManifestStatuses.kubernetes.talos.dev",
        namespace="controlplane",
        message="talos.resource.definitions.k8s.ManifestStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        manifests_applied: tuple[str, ...] = msgspec.field(default=(), name="manifestsApplied")
