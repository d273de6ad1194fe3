"""Resource type NodeIPConfigs.kubernetes.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource


class NodeIPConfig(resource.Resource["NodeIPConfig.Spec"]):
    """Subnets the kubelet's addresses are chosen from."""

    definition = resource.Definition(
        type="NodeIPConfigs.kubernetes.talos.dev",
        namespace="k8s",
        message="talos.resource.definitions.k8s.NodeIPConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"valid_subnets"})

        valid_subnets: tuple[str, ...] = msgspec.field(default=(), name="validSubnets")
        exclude_subnets: tuple[str, ...] = msgspec.field(default=(), name="excludeSubnets")
