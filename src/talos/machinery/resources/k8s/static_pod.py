"""Resource type StaticPods.kubernetes.talos.dev."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.cosi import resource


class StaticPod(resource.Resource["StaticPod.Spec"]):
    """A pod the kubelet runs without an API server."""

    definition = resource.Definition(
        type="StaticPods.kubernetes.talos.dev", namespace="k8s", message="talos.resource.definitions.k8s.StaticPodSpec"
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """The pod as the kubelet reads it; it is the whole YAML form."""

        inline: ClassVar[frozenset[str]] = frozenset({"pod"})

        pod: dict[str, Any] = msgspec.field(default_factory=dict)
