"""Document KubeAPIServerCAConfig: authority of the Kubernetes API."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings, sections


class KubeAPIServerCAConfig(document.Document, frozen=True, kw_only=True):
    """Authority of the Kubernetes API. Control planes have its key, workers only know which to accept."""

    kind: ClassVar[str] = "KubeAPIServerCAConfig"
    legacy: ClassVar[tuple[str, ...]] = ("cluster.ca", "cluster.acceptedCAs")

    issuing_ca: sections.CertificateAndKey | None = document.named("issuingCA", None)
    """Authority that signs now; control plane only."""
    accepted_cas: tuple[str, ...] = document.named("acceptedCAs", ())
    """Certificates that are accepted besides, PEM."""

    def validate(self, found: findings.Findings) -> None:
        """An authority has a certificate and its key."""
        if self.issuing_ca is not None:
            self.issuing_ca.check(found, "issuingCA")
        for n, text in enumerate(self.accepted_cas):
            problem = checks.certificate(text)
            if problem:
                found.error(f"acceptedCAs[{n}]", problem)

    @classmethod
    def example(cls) -> KubeAPIServerCAConfig:
        """An authority with its predecessor."""
        return cls(issuing_ca=sections.EXAMPLE_PAIR, accepted_cas=(sections.EXAMPLE_CERTIFICATE,))
