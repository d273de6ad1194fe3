"""Resource type ExtraManifestsConfigs.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

EXTRA_MANIFESTS_CONFIG_ID = "extra-manifests"


class ExtraManifest(msgspec.Struct, frozen=True, kw_only=True):
    """One manifest, inline or to be fetched."""

    name: str = ""
    url: str = ""
    priority: str = ""
    extra_headers: dict[str, str] = msgspec.field(default_factory=dict, name="extraHeaders")
    inline_manifest: str = msgspec.field(default="", name="inlineManifest")


class ExtraManifestsConfig(resource.Resource["ExtraManifestsConfig.Spec"]):
    """Manifests the user adds to the built-in ones."""

    definition = resource.Definition(
        type="ExtraManifestsConfigs.kubernetes.talos.dev",
        namespace="controlplane",
        message="talos.resource.definitions.k8s.ExtraManifestsConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        extra_manifests: tuple[ExtraManifest, ...] = msgspec.field(default=(), name="extraManifests")
