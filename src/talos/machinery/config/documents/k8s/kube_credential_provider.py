"""Document KubeCredentialProviderConfig: where the kubelet gets credentials for image pulls."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, values


class KubeCredentialProviderConfig(document.Document, frozen=True, kw_only=True):
    """Credential providers of the kubelet; their programs come in system extensions."""

    kind: ClassVar[str] = "KubeCredentialProviderConfig"
    legacy: ClassVar[tuple[str, ...]] = ("machine.kubelet",)

    configuration: Annotated[values.Unstructured | None, values.REPLACE] = None
    """A CredentialProviderConfig of kubelet.config.k8s.io."""

    @classmethod
    def example(cls) -> KubeCredentialProviderConfig:
        """Amazon's registry."""
        provider = {
            "name": "ecr-credential-provider",
            "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
            "matchImages": ["*.dkr.ecr.*.amazonaws.com"],
            "defaultCacheDuration": "12h",
        }
        return cls(
            configuration={
                "apiVersion": "kubelet.config.k8s.io/v1",
                "kind": "CredentialProviderConfig",
                "providers": [provider],
            }
        )
