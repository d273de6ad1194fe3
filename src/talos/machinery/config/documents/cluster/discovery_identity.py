"""Document DiscoveryIdentityConfig: who the cluster is to its discovery service."""

from __future__ import annotations

import base64
from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values


class DiscoveryIdentityConfig(document.Document, frozen=True, kw_only=True):
    """Identity of the cluster and the secret with which its members recognise one another."""

    kind: ClassVar[str] = "DiscoveryIdentityConfig"
    legacy: ClassVar[tuple[str, ...]] = ("cluster.id", "cluster.secret")

    cluster_id: str = document.named("clusterID", "")
    """Identity: 32 random bytes in URL-safe base64."""
    cluster_secret: Annotated[str, values.SECRET] = ""
    """Secret: 32 random bytes in base64."""

    def validate(self, found: findings.Findings) -> None:
        """Both are needed."""
        found.require(self.cluster_id, "clusterID")
        if found.require(self.cluster_secret, "clusterSecret"):
            try:
                base64.b64decode(self.cluster_secret, validate=True)
            except ValueError:
                found.error("clusterSecret", "expected base64")

    @classmethod
    def example(cls) -> DiscoveryIdentityConfig:
        """An identity."""
        return cls(
            cluster_id="ZXhhbXBsZS1leGFtcGxlLWV4YW1wbGUtZXhhbXBsZS0=",
            cluster_secret="bm90IGEgc2VjcmV0LCBqdXN0IDMyIGJ5dGVzIGxvbmc=",  # noqa: S106 - an example
        )
