"""Document KubeProxyConfig: kube-proxy on all nodes."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, sections, values

MODES = ("iptables", "ipvs", "nftables")


class KubeProxyConfig(document.Document, frozen=True, kw_only=True):
    """Deployment of kube-proxy."""

    kind: ClassVar[str] = "KubeProxyConfig"
    control_plane_only: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("cluster.proxy",)

    enabled: bool | None = None
    """Whether it is deployed; it is by default."""
    image: str = ""
    """Image it runs from."""
    mode: str = ""
    """iptables, ipvs or nftables, the last by default."""
    config: Annotated[values.Unstructured | None, values.ALWAYS] = document.mapping()
    """KubeProxyConfiguration that is merged over what the system sets."""
    extra_args: values.Args = document.mapping()
    """Flags added to the command line; a list repeats the flag."""
    resources: sections.ResourcesConfig | None = None
    """Requests and limits."""

    def validate(self, found: findings.Findings) -> None:
        """The image must be named when it is deployed, and the mode be one."""
        if self.enabled is not False:
            checks.required_image(found, self.image)
        if self.mode and self.mode not in MODES:
            found.error("mode", f"expected one of {', '.join(MODES)}, got {self.mode!r}")

    @classmethod
    def example(cls) -> KubeProxyConfig:
        """The old mode."""
        return cls(image="registry.k8s.io/kube-proxy:v1.37.2", mode="iptables")
