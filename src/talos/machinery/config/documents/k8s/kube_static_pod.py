"""Document KubeStaticPodConfig: a pod the kubelet runs without the API."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values


class KubeStaticPodConfig(document.Document, frozen=True, kw_only=True):
    """A static pod; it starts before the control plane is up."""

    kind: ClassVar[str] = "KubeStaticPodConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name."""
    pod: Annotated[values.Unstructured | None, values.REPLACE] = None
    """The pod object; a patch replaces it whole."""

    def validate(self, found: findings.Findings) -> None:
        """A pod has a name and a specification."""
        if found.require(self.name, "name"):
            problem = checks.subdomain(self.name)
            if problem:
                found.error("name", problem)
        found.require(self.pod, "pod")

    @classmethod
    def example(cls) -> KubeStaticPodConfig:
        """A web server."""
        spec = {"containers": [{"name": "web", "image": "docker.io/library/nginx:1.29"}]}
        return cls(name="web", pod={"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec})
