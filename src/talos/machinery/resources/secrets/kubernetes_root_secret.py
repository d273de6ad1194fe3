"""Resource type KubernetesRootSecrets.secrets.talos.dev."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.cosi import resource
from talos.machinery.types import pem, url

KUBERNETES_ROOT_ID = "k8s"


class KubernetesRootSecret(resource.Resource["KubernetesRootSecret.Spec"]):
    """CAs, keys and tokens of the Kubernetes cluster."""

    definition = resource.Definition(
        type="KubernetesRootSecrets.secrets.talos.dev",
        namespace="secrets",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.secrets.KubernetesRootSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        name: str = ""
        endpoint: str = ""
        local_endpoint: str = ""
        cert_sa_ns: tuple[str, ...] = msgspec.field(default=(), name="certSANs")
        api_server_ips: tuple[str, ...] = msgspec.field(default=(), name="apiServerIPs")
        dns_domain: str = msgspec.field(default="", name="dnsDomain")
        issuing_ca: pem.CertificateAndKey | None = msgspec.field(default=None, name="issuingCA")
        accepted_c_as: tuple[pem.Certificate, ...] = msgspec.field(default=(), name="acceptedCAs")
        aggregator_ca: pem.CertificateAndKey | None = msgspec.field(default=None, name="aggregatorCA")
        accepted_aggregator_c_as: tuple[pem.Certificate, ...] = msgspec.field(default=(), name="acceptedAggregatorCAs")
        service_account: pem.Key | None = msgspec.field(default=None, name="serviceAccount")
        service_account_accepted_keys: tuple[pem.Key, ...] = msgspec.field(
            default=(), name="serviceAccountAcceptedKeys"
        )
        issuer_url: str = msgspec.field(default="", name="issuerURL")
        accepted_issuers: tuple[str, ...] = msgspec.field(default=(), name="acceptedIssuers")
        api_audiences: tuple[str, ...] = msgspec.field(default=(), name="apiAudiences")
        aescbc_encryption_secret: str = msgspec.field(default="", name="aesCBCEncryptionSecret")
        bootstrap_token_id: str = msgspec.field(default="", name="bootstrapTokenID")
        bootstrap_token_secret: str = msgspec.field(default="", name="bootstrapTokenSecret")
        secretbox_encryption_secret: str = msgspec.field(default="", name="secretboxEncryptionSecret")
        etcd_encryption_config: dict[str, Any] = msgspec.field(default_factory=dict, name="etcdEncryptionConfig")

        def as_yaml(self, plain: dict[str, Any]) -> Any:
            """URLs are in parts."""
            plain["endpoint"] = url.parts(self.endpoint, type(plain))
            plain["local_endpoint"] = url.parts(self.local_endpoint, type(plain))
            return plain
