"""Document KubeSchedulerConfig: the scheduler on this machine."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, sections, values


class KubeSchedulerConfig(document.Document, frozen=True, kw_only=True):
    """Settings of the scheduler's static pod."""

    kind: ClassVar[str] = "KubeSchedulerConfig"
    control_plane_only: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("cluster.scheduler", "machine.controlPlane.scheduler")

    enabled: bool | None = None
    """Whether it runs here; it does by default."""
    image: str = ""
    """Image it runs from."""
    config: Annotated[values.Unstructured | None, values.ALWAYS] = document.mapping()
    """KubeSchedulerConfiguration that is merged over what the system sets."""
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
    def example(cls) -> KubeSchedulerConfig:
        """Pods are packed tightly."""
        scoring = {"type": "MostAllocated", "resources": [{"name": "cpu", "weight": 1}]}
        arguments = {"name": "NodeResourcesFit", "args": {"scoringStrategy": scoring}}
        return cls(
            image="registry.k8s.io/kube-scheduler:v1.37.2",
            config={"profiles": [{"schedulerName": "default-scheduler", "pluginConfig": [arguments]}]},
        )
