"""Document KubeFlannelCNIConfig: the default pod network."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document, findings, sections, values


class KubeFlannelCNIConfig(document.Document, frozen=True, kw_only=True):
    """Deploys flannel; without this document there is no pod network but what manifests bring."""

    kind: ClassVar[str] = "KubeFlannelCNIConfig"
    control_plane_only: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("cluster.network",)

    backend_type: str = ""
    """How packets travel between machines: vxlan, host-gw, wireguard."""
    backend_port: values.U16 = 0
    """UDP port of the tunnel."""
    backend_mtu: values.U32 = document.named("backendMTU", 0)
    """Largest packet in the pod network."""
    backend_extra_config: values.Unstructured | None = None
    """Further keys of flannel's Backend."""
    resources: sections.ResourcesConfig | None = None
    """Requests and limits of flanneld."""
    extra_args: tuple[str, ...] = ()
    """Arguments added to flanneld."""
    kube_network_policies_enabled: bool | None = None
    """Run kube-network-policies beside it, so that NetworkPolicy objects count."""

    def validate(self, found: findings.Findings) -> None:
        """The way packets travel must be chosen."""
        found.require(self.backend_type, "backendType")

    @classmethod
    def example(cls) -> KubeFlannelCNIConfig:
        """VXLAN, with network policies."""
        return cls(
            backend_type="vxlan",
            backend_port=4789,
            extra_args=("--iface-can-reach=192.168.1.1",),
            kube_network_policies_enabled=True,
        )
