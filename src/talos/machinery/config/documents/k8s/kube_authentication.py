"""Document KubeAuthenticationConfig: who the API server believes callers to be."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, values


class KubeAuthenticationConfig(document.Document, frozen=True, kw_only=True):
    """Authentication of the API server: anonymous access and token issuers."""

    kind: ClassVar[str] = "KubeAuthenticationConfig"
    control_plane_only: ClassVar[bool] = True

    configuration: Annotated[values.Unstructured | None, values.REPLACE] = None
    """An AuthenticationConfiguration of apiserver.config.k8s.io, its apiVersion and kind may be left out."""

    @classmethod
    def example(cls) -> KubeAuthenticationConfig:
        """Tokens of an OpenID provider."""
        issuer = {"url": "https://login.example.org", "audiences": ["cluster"]}
        claims = {"username": {"claim": "sub", "prefix": "oidc:"}}
        return cls(configuration={"jwt": [{"issuer": issuer, "claimMappings": claims}]})
