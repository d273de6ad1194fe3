"""Document KubeAPIServerConfig: the API server on this machine."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, sections, values


class KubeAPIServerConfig(document.Document, frozen=True, kw_only=True):
    """Settings of the API server's static pod."""

    kind: ClassVar[str] = "KubeAPIServerConfig"
    control_plane_only: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("cluster.apiServer", "cluster.controlPlane.localAPIServerPort")

    image: str = ""
    """Image it runs from."""
    extra_args: values.Args = document.mapping()
    """Flags added to the command line; a list repeats the flag."""
    env: dict[str, str] = document.mapping()
    """Environment."""
    resources: sections.ResourcesConfig | None = None
    """Requests and limits."""
    api_port: Annotated[int, values.Range(0, 65535)] | None = None
    """Port it listens on, 6443 by default."""
    cert_extra_sans: tuple[str, ...] = document.named("certExtraSANs", ())
    """Names and addresses added to its certificate."""
    startup_probes: bool | None = None
    """Whether the pod has a startup probe; off by default."""

    def validate(self, found: findings.Findings) -> None:
        """The image must be named."""
        checks.required_image(found, self.image)

    @classmethod
    def example(cls) -> KubeAPIServerConfig:
        """A feature gate and a name for the certificate."""
        return cls(
            image="registry.k8s.io/kube-apiserver:v1.37.2",
            extra_args={"feature-gates": "AllBeta=true"},
            cert_extra_sans=("k8s.example.org",),
        )
