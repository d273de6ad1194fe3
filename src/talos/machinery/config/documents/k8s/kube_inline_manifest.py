"""Document KubeInlineManifestConfig: a manifest that stands in the configuration."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values


class KubeInlineManifestConfig(document.Document, frozen=True, kw_only=True):
    """A manifest that is applied when the control plane is up."""

    kind: ClassVar[str] = "KubeInlineManifestConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name."""
    manifest: Annotated[str, values.ALWAYS] = ""
    """YAML of one or more objects."""

    def validate(self, found: findings.Findings) -> None:
        """A manifest has a name."""
        if found.require(self.name, "name"):
            problem = checks.subdomain(self.name)
            if problem:
                found.error("name", problem)

    @classmethod
    def example(cls) -> KubeInlineManifestConfig:
        """A namespace."""
        return cls(name="team", manifest="apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team\n")
