"""Resource type Manifests.kubernetes.talos.dev."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.cosi import resource


class SingleManifest(msgspec.Struct, frozen=True, kw_only=True):
    """One Kubernetes object."""

    inline: ClassVar[frozenset[str]] = frozenset({"object"})

    object: dict[str, Any] = msgspec.field(default_factory=dict)


class Manifest(resource.Resource["Manifest.Spec"]):
    """Kubernetes objects to be applied to the cluster."""

    definition = resource.Definition(
        type="Manifests.kubernetes.talos.dev",
        namespace="controlplane",
        message="talos.resource.definitions.k8s.ManifestSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        items: tuple[SingleManifest, ...] = ()
