"""Document KubeClusterConfig: name of the cluster and how its API is reached."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings, values


class KubeClusterConfig(document.Document, frozen=True, kw_only=True):
    """What a machine must know to find its cluster."""

    kind: ClassVar[str] = "KubeClusterConfig"
    legacy: ClassVar[tuple[str, ...]] = ("cluster.clusterName", "cluster.controlPlane.endpoint")

    cluster_name: str = ""
    """Name of the cluster."""
    endpoint: values.Url = ""
    """URL of the Kubernetes API: a balancer, a shared address or a name with several."""

    def validate(self, found: findings.Findings) -> None:
        """Both are needed, and the endpoint is an https URL."""
        found.require(self.cluster_name, "clusterName")
        if found.require(self.endpoint, "endpoint"):
            problem = checks.endpoint_url(self.endpoint)
            if problem:
                found.error("endpoint", problem)

    @classmethod
    def example(cls) -> KubeClusterConfig:
        """A name and an address."""
        return cls(cluster_name="homelab", endpoint="https://10.5.0.2:6443")
