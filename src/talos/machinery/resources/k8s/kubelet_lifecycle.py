"""Resource type KubeletLifecycles.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

KUBELET_LIFECYCLE_ID = "kubelet"


class KubeletLifecycle(resource.Resource["KubeletLifecycle.Spec"]):
    """Held by those who need the kubelet; torn down before it stops."""

    definition = resource.Definition(type="KubeletLifecycles.kubernetes.talos.dev", namespace="k8s")

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """There is nothing to say."""
