"""Resource type KubeletStatuses.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class KubeletStatus(resource.Resource["KubeletStatus.Spec"]):
    """Version the running kubelet reports."""

    definition = resource.Definition(
        type="KubeletStatuses.kubernetes.talos.dev",
        namespace="k8s",
        print_columns=(resource.PrintColumn("Image", "{.image}"),),
        message="talos.resource.definitions.k8s.KubeletStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        image: str = ""
