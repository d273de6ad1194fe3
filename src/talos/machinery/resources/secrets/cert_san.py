"""Resource type CertSANs.secrets.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

CERT_SANAPI_ID = "api"
CERT_SAN_MAINTENANCE_ID = "maintenance"
CERT_SAN_KUBERNETES_ID = "k8s"


class CertSAN(resource.Resource["CertSAN.Spec"]):
    """Names and addresses a server certificate has to hold."""

    definition = resource.Definition(
        type="CertSANs.secrets.talos.dev",
        namespace="secrets",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.secrets.CertSANSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        i_ps: tuple[str, ...] = msgspec.field(default=(), name="ips")
        dns_names: tuple[str, ...] = msgspec.field(default=(), name="dnsNames")
        fqdn: str = ""
