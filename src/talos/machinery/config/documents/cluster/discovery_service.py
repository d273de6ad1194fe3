"""Document DiscoveryServiceConfig: a service through which members find one another."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document, findings, values


class DiscoveryServiceConfig(document.Document, frozen=True, kw_only=True):
    """A discovery service. Members publish sealed data about themselves there; several may be used at once."""

    kind: ClassVar[str] = "DiscoveryServiceConfig"
    named: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("cluster.discovery",)

    name: str = ""
    """Name."""
    endpoint: values.Url = ""
    """URL: https, or grpc for a connection in the clear."""

    def validate(self, found: findings.Findings) -> None:
        """A service has a name and a place."""
        found.require(self.name, "name")
        found.require(self.endpoint, "endpoint")

    @classmethod
    def example(cls) -> DiscoveryServiceConfig:
        """The public service."""
        return cls(name="default", endpoint="https://discovery.talos.dev/")
