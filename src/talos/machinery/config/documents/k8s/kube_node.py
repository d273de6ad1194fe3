"""Document KubeNodeConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class NodeIPConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of KubeNodeConfig."""

    valid_subnets: tuple[str, ...] = msgspec.field(default=(), name="validSubnets")


class KubeNodeConfig(document.Document, frozen=True, kw_only=True):
    """Kube node config."""

    kind: ClassVar[str] = "KubeNodeConfig"
    legacy_fields: ClassVar[tuple[str, ...]] = (
        "cluster.allowSchedulingOnControlPlanes",
        "cluster.allowSchedulingOnMasters",
        "machine.kubelet.skipNodeRegistration",
        "machine.kubelet.registerWithFQDN",
        "machine.kubelet.nodeIP",
        "machine.nodeLabels",
        "machine.nodeAnnotations",
        "machine.nodeTaints",
    )

    skip_node_registration: bool | None = msgspec.field(default=None, name="skipNodeRegistration")
    register_with_fqdn: bool | None = msgspec.field(default=None, name="registerWithFQDN")
    node_ip: NodeIPConfig | None = msgspec.field(default=None, name="nodeIP")
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    taints: dict[str, str] = msgspec.field(default_factory=dict)
