"""Resource type NodeLabelSpecs.k8s.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class NodeLabelSpec(resource.Resource["NodeLabelSpec.Spec"]):
    """A label wanted on this Kubernetes node."""

    definition = resource.Definition(
        type="NodeLabelSpecs.k8s.talos.dev",
        namespace="k8s",
        print_columns=(resource.PrintColumn("Value", "{.value}"),),
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.k8s.NodeLabelSpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        key: str = ""
        value: str = ""
