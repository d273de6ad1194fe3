"""Document KubeAuditPolicyConfig: what the API server writes into its audit log."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values


class KubeAuditPolicyConfig(document.Document, frozen=True, kw_only=True):
    """Audit policy of the API server."""

    kind: ClassVar[str] = "KubeAuditPolicyConfig"
    control_plane_only: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("cluster.apiServer.auditPolicy",)

    configuration: Annotated[values.Unstructured | None, values.REPLACE] = None
    """A Policy of audit.k8s.io; a patch replaces it whole."""

    def validate(self, found: findings.Findings) -> None:
        """Nothing beyond the type: the API server knows its format."""

    @classmethod
    def example(cls) -> KubeAuditPolicyConfig:
        """Metadata of everything."""
        return cls(configuration={"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]})
