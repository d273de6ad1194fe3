"""Document TrustedRootsConfig: certificate authorities to trust."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings, sections


class TrustedRootsConfig(document.Document, frozen=True, kw_only=True):
    """Authorities added to those the system trusts."""

    kind: ClassVar[str] = "TrustedRootsConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name."""
    certificates: str = ""
    """Certificates, PEM."""

    def validate(self, found: findings.Findings) -> None:
        """There are certificates in it."""
        found.require(self.name, "name")
        if self.certificates and checks.certificate(self.certificates):
            found.warn("certificates", checks.certificate(self.certificates))

    @classmethod
    def example(cls) -> TrustedRootsConfig:
        """An authority."""
        return cls(name="company", certificates=sections.EXAMPLE_CERTIFICATE)
