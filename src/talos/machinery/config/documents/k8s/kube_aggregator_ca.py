"""Document KubeAggregatorCAConfig: authority of the API server's front proxy."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings, sections


class KubeAggregatorCAConfig(document.Document, frozen=True, kw_only=True):
    """Authority the API server shows to extension API servers, and the ones they may accept."""

    kind: ClassVar[str] = "KubeAggregatorCAConfig"
    control_plane_only: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("cluster.aggregatorCA",)

    issuing_ca: sections.CertificateAndKey | None = document.named("issuingCA", None)
    """Authority that signs now."""
    accepted_cas: tuple[str, ...] = document.named("acceptedCAs", ())
    """Certificates that are accepted besides, PEM; for rotation."""

    def validate(self, found: findings.Findings) -> None:
        """An authority has a certificate and its key."""
        if found.require(self.issuing_ca, "issuingCA") and self.issuing_ca is not None:
            self.issuing_ca.check(found, "issuingCA")
        for n, text in enumerate(self.accepted_cas):
            problem = checks.certificate(text)
            if problem:
                found.error(f"acceptedCAs[{n}]", problem)

    @classmethod
    def example(cls) -> KubeAggregatorCAConfig:
        """An authority."""
        return cls(issuing_ca=sections.EXAMPLE_PAIR)
