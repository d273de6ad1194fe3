"""Resource type NodeCordonedSpecs.k8s.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

NODE_CORDONED_ID = "cordoned"


class NodeCordonedSpec(resource.Resource["NodeCordonedSpec.Spec"]):
    """Exists while this Kubernetes node is to be unschedulable."""

    definition = resource.Definition(
        type="NodeCordonedSpecs.k8s.talos.dev", namespace="k8s", sensitivity=resource.Sensitivity.SENSITIVE
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """There is nothing to say."""
