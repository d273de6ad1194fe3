"""Resource type StaticPodStatuses.kubernetes.talos.dev."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.cosi import resource


class StaticPodStatus(resource.Resource["StaticPodStatus.Spec"]):
    """Static pod status."""

    definition = resource.Definition(
        type="StaticPodStatuses.kubernetes.talos.dev",
        namespace="k8s",
        aliases=("podstatus",),
        print_columns=(resource.PrintColumn("Ready", '{.conditions[?(@.type=="Ready")].status}'),),
        message="talos.resource.definitions.k8s.StaticPodStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """Spec of StaticPodStatus."""

        pod_status: dict[str, Any] = msgspec.field(default_factory=dict, name="podStatus")
