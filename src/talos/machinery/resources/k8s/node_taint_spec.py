"""Resource type NodeTaintSpecs.k8s.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class NodeTaintSpec(resource.Resource["NodeTaintSpec.Spec"]):
    """A taint wanted on this Kubernetes node."""

    definition = resource.Definition(
        type="NodeTaintSpecs.k8s.talos.dev",
        namespace="k8s",
        print_columns=(
            resource.PrintColumn("Effect", "{.effect}"),
            resource.PrintColumn("Value", "{.value}"),
        ),
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.k8s.NodeTaintSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        key: str = ""
        effect: str = ""
        value: str = ""
