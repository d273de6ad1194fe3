"""Resource type StaticPodStatuses.kubernetes.talos.dev."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.cosi import resource


class StaticPodStatus(resource.Resource["StaticPodStatus.Spec"]):
    """State of a static pod as the kubelet reports it."""

    definition = resource.Definition(
        type="StaticPodStatuses.kubernetes.talos.dev",
        namespace="k8s",
        aliases=("podstatus",),
        print_columns=(resource.PrintColumn("Ready", '{.conditions[?(@.type=="Ready")].status}'),),
        message="talos.resource.definitions.k8s.StaticPodStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        """The status as the kubelet reports it; it is the whole YAML form."""

        inline: ClassVar[frozenset[str]] = frozenset({"pod_status"})

        pod_status: dict[str, Any] = msgspec.field(default_factory=dict)
