"""Document KubeExternalManifestConfig: a manifest to fetch and apply."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings, values


class KubeExternalManifestConfig(document.Document, frozen=True, kw_only=True):
    """A manifest that is fetched and applied when the control plane is up."""

    kind: ClassVar[str] = "KubeExternalManifestConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name."""
    headers: dict[str, str] = document.mapping()
    """Headers of the request."""
    url: values.Url = ""
    """Where it is, http or https."""

    def validate(self, found: findings.Findings) -> None:
        """A name and a URL to fetch from."""
        if found.require(self.name, "name"):
            problem = checks.subdomain(self.name)
            if problem:
                found.error("name", problem)
        if found.require(self.url, "url"):
            problem = checks.http_url(self.url)
            if problem:
                found.error("url", problem)

    @classmethod
    def example(cls) -> KubeExternalManifestConfig:
        """A pod network from elsewhere."""
        return cls(
            name="pod-network", headers={"Authorization": "Bearer abc"}, url="https://example.org/manifests/cni.yaml"
        )
