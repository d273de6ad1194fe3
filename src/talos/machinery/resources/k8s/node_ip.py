"""Resource type NodeIPs.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class NodeIP(resource.Resource["NodeIP.Spec"]):
    """The addresses the kubelet announces."""

    definition = resource.Definition(
        type="NodeIPs.kubernetes.talos.dev", namespace="k8s", message="talos.resource.definitions.k8s.NodeIPSpec"
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        addresses: tuple[str, ...] = ()
