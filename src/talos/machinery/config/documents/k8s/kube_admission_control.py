"""Document KubeAdmissionControlConfig: one admission plug-in of the API server."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document, findings, values


class KubeAdmissionControlConfig(document.Document, frozen=True, kw_only=True):
    """Configures an admission plug-in of the API server, such as PodSecurity."""

    kind: ClassVar[str] = "KubeAdmissionControlConfig"
    named: ClassVar[bool] = True
    control_plane_only: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("cluster.apiServer.admissionControl",)

    name: str = ""
    """Name of the plug-in as Kubernetes spells it."""
    configuration: values.Unstructured | None = None
    """The plug-in's own configuration; it is merged by patches."""

    def validate(self, found: findings.Findings) -> None:
        """A plug-in has a name."""
        found.require(self.name, "name")

    @classmethod
    def example(cls) -> KubeAdmissionControlConfig:
        """Pods of the namespace `monitoring` are excepted from pod security."""
        return cls(
            name="PodSecurity",
            configuration={
                "apiVersion": "pod-security.admission.config.k8s.io/v1",
                "kind": "PodSecurityConfiguration",
                "defaults": {"enforce": "baseline", "enforce-version": "latest"},
                "exemptions": {"namespaces": ["monitoring"]},
            },
        )
