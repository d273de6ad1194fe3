"""Document KubeServiceAccountConfig: tokens of service accounts."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, sections, values


class IssuerServiceAccountConfig(document.Section, frozen=True, kw_only=True):
    """What tokens are signed with."""

    private_key: Annotated[str, values.SECRET] = ""
    """Private key, PEM."""
    issuer_url: values.Url = document.named("issuerURL", "")
    """Issuer named in tokens; usually the endpoint of the cluster."""


class AcceptedServiceAccountConfig(document.Section, frozen=True, kw_only=True):
    """Which tokens are accepted besides."""

    public_keys: tuple[str, ...] = ()
    """Public keys, PEM; for rotation."""
    issuers: tuple[values.Url, ...] = ()
    """Issuers."""
    audiences: tuple[str, ...] = ()
    """Audiences of the API server."""


class KubeServiceAccountConfig(document.Document, frozen=True, kw_only=True):
    """How service account tokens are signed and checked."""

    kind: ClassVar[str] = "KubeServiceAccountConfig"
    control_plane_only: ClassVar[bool] = True
    legacy: ClassVar[tuple[str, ...]] = ("cluster.serviceAccount",)

    issuer: IssuerServiceAccountConfig | None = None
    """What tokens are signed with."""
    accepted: AcceptedServiceAccountConfig | None = None
    """Which are accepted besides."""

    def validate(self, found: findings.Findings) -> None:
        """Tokens need a key and an issuer."""
        issuer = self.issuer or IssuerServiceAccountConfig()
        if found.require(issuer.private_key, "issuer.privateKey"):
            problem = checks.pem(issuer.private_key)
            if problem:
                found.error("issuer.privateKey", problem)
        found.require(issuer.issuer_url, "issuer.issuerURL")

    @classmethod
    def example(cls) -> KubeServiceAccountConfig:
        """A cluster that moved to another endpoint."""
        return cls(
            issuer=IssuerServiceAccountConfig(
                private_key=sections.EXAMPLE_KEY, issuer_url="https://cluster.example.org:6443"
            ),
            accepted=AcceptedServiceAccountConfig(issuers=("https://10.5.0.2:6443",)),
        )
