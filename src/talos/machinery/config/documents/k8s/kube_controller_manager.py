"""Document KubeControllerManagerConfig: the controller manager on this machine."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings, sections, values


class KubeControllerManagerConfig(document.Document, frozen=True, kw_only=True):
    """Settings of the controller manager's static pod."""

    kind: ClassVar[str] = "KubeControllerManagerConfig"
    control_plane_only: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("cluster.controllerManager", "machine.controlPlane.controllerManager")

    enabled: bool | None = None
    """Whether it runs here; it does by default."""
    image: str = ""
    """Image it runs from."""
    extra_args: values.Args = document.mapping()
    """Flags added to the command line; a list repeats the flag."""
    env: dict[str, str] = document.mapping()
    """Environment."""
    resources: sections.ResourcesConfig | None = None
    """Requests and limits."""

    def validate(self, found: findings.Findings) -> None:
        """The image must be named."""
        checks.required_image(found, self.image)

    @classmethod
    def example(cls) -> KubeControllerManagerConfig:
        """Reachable from outside the machine for metrics."""
        return cls(
            image="registry.k8s.io/kube-controller-manager:v1.37.2",
            extra_args={"bind-address": "0.0.0.0"},
        )
