"""Document RegistryTLSConfig: TLS with an image registry."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings, sections


class RegistryTLSConfig(document.Document, frozen=True, kw_only=True):
    """How TLS is spoken with a registry, or with a mirror of one."""

    kind: ClassVar[str] = "RegistryTLSConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Host, and port if it has one, of the registry or mirror."""
    client_identity: sections.CertificateAndKey | None = None
    """Certificate to show."""
    ca: str = ""
    """Authorities to trust, PEM."""
    insecure_skip_verify: bool | None = None
    """Do not check the registry's certificate."""

    def validate(self, found: findings.Findings) -> None:
        """Certificates are PEM."""
        found.require(self.name, "name")
        if self.ca and checks.certificate(self.ca):
            found.error("ca", checks.certificate(self.ca))
        if self.client_identity is not None:
            self.client_identity.check(found, "clientIdentity")
        if self.insecure_skip_verify:
            found.warn("insecureSkipVerify", f"images of {self.name} are pulled from whoever answers")

    @classmethod
    def example(cls) -> RegistryTLSConfig:
        """A registry with an authority of its own."""
        return cls(name="registry.example.org", ca=sections.EXAMPLE_CERTIFICATE)
