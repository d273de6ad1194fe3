"""Resource type KubernetesDynamicCerts.secrets.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import pem

KUBERNETES_DYNAMIC_CERTS_ID = "k8s-dynamic-certs"


class KubernetesDynamicCert(resource.Resource["KubernetesDynamicCert.Spec"]):
    """Certificates of the API server, renewed when its names change or they age."""

    definition = resource.Definition(
        type="KubernetesDynamicCerts.secrets.talos.dev",
        namespace="secrets",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.secrets.KubernetesDynamicCertsSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        api_server: pem.CertificateAndKey | None = msgspec.field(default=None, name="apiServer")
        api_server_kubelet_client: pem.CertificateAndKey | None = msgspec.field(
            default=None, name="apiServerKubeletClient"
        )
        front_proxy: pem.CertificateAndKey | None = msgspec.field(default=None, name="frontProxy")
