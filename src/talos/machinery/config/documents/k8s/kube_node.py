"""Document KubeNodeConfig: how this machine appears in Kubernetes."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values


class NodeIPConfig(document.Section, frozen=True, kw_only=True):
    """Which of the machine's addresses the kubelet reports."""

    valid_subnets: tuple[str, ...] = ()
    """Subnets the address may come from; one with `!` in front excludes."""


class KubeNodeConfig(document.Document, frozen=True, kw_only=True):
    """The node object of this machine."""

    kind: ClassVar[str] = "KubeNodeConfig"
    legacy: ClassVar[tuple[str, ...]] = (
        "cluster.allowSchedulingOnControlPlanes",
        "cluster.allowSchedulingOnMasters",
        "machine.kubelet.skipNodeRegistration",
        "machine.kubelet.registerWithFQDN",
        "machine.kubelet.nodeIP",
        "machine.nodeLabels",
        "machine.nodeAnnotations",
        "machine.nodeTaints",
    )

    skip_node_registration: bool | None = None
    """Run the kubelet without joining it to the API server: only static pods run."""
    register_with_fqdn: bool | None = document.named("registerWithFQDN", None)
    """Register under the fully qualified name."""
    node_ip: Annotated[NodeIPConfig | None, values.ALWAYS] = document.named("nodeIP", NodeIPConfig())
    """Which address is reported."""
    labels: dict[str, str] = document.mapping()
    """Labels."""
    annotations: dict[str, str] = document.mapping()
    """Annotations."""
    taints: dict[str, str] = document.mapping()
    """Taints, `key: value:Effect` or `key: Effect`."""

    def validate(self, found: findings.Findings) -> None:
        """Keys and values are such as Kubernetes takes."""
        if self.node_ip is not None:
            checks.subnets_or_addresses(found, "nodeIP.validSubnets", self.node_ip.valid_subnets)
        checks.node_labels(found, "labels", self.labels)
        checks.node_annotations(found, "annotations", self.annotations)
        checks.node_taints(found, "taints", self.taints)

    @classmethod
    def example(cls) -> KubeNodeConfig:
        """A machine for databases."""
        return cls(
            node_ip=NodeIPConfig(valid_subnets=("10.0.0.0/8", "!10.0.0.3/32")),
            labels={"topology.kubernetes.io/zone": "cellar"},
            annotations={"example.org/rack": "r13"},
            taints={"example.org/dedicated": "database:NoSchedule"},
        )
