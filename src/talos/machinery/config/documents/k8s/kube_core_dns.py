"""Document KubeCoreDNSConfig: the cluster's name service."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings


class KubeCoreDNSConfig(document.Document, frozen=True, kw_only=True):
    """Deployment of CoreDNS."""

    kind: ClassVar[str] = "KubeCoreDNSConfig"
    control_plane_only: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("cluster.coreDNS",)

    enabled: bool | None = None
    """Whether it is deployed; it is by default."""
    image: str = ""
    """Image it runs from; the release's own by default."""

    def validate(self, found: findings.Findings) -> None:
        """An image, if named, is a reference."""
        if self.image:
            checks.required_image(found, self.image)

    @classmethod
    def example(cls) -> KubeCoreDNSConfig:
        """An image from elsewhere."""
        return cls(image="registry.example.org/coredns/coredns:v1.15.0")
