"""Document KubeAuthorizerConfig: one link in the API server's chain of authorizers."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values

TYPES = ("Node", "RBAC", "Webhook")


class KubeAuthorizerConfig(document.Document, frozen=True, kw_only=True):
    """An authorizer of the API server. They are asked in the order of their documents."""

    kind: ClassVar[str] = "KubeAuthorizerConfig"
    named: ClassVar[bool] = True
    control_plane_only: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("cluster.apiServer.authorizationConfig",)

    name: str = ""
    """Name, a DNS label or domain."""
    type: Annotated[str, values.Choice(TYPES)] = ""
    """What it is."""
    webhook: values.Unstructured | None = None
    """Configuration of a webhook: timeout, failurePolicy, connectionInfo and the rest."""

    def validate(self, found: findings.Findings) -> None:
        """A webhook needs its configuration."""
        if found.require(self.name, "name"):
            problem = checks.subdomain(self.name)
            if problem:
                found.error("name", problem)
        found.require(self.type, "type")
        if self.type == "Webhook":
            found.require(self.webhook, "webhook")

    @classmethod
    def example(cls) -> KubeAuthorizerConfig:
        """A webhook that may abstain."""
        return cls(
            name="policy",
            type="Webhook",
            webhook={
                "timeout": "3s",
                "subjectAccessReviewVersion": "v1",
                "matchConditionSubjectAccessReviewVersion": "v1",
                "failurePolicy": "NoOpinion",
                "connectionInfo": {"type": "InClusterConfig"},
            },
        )
