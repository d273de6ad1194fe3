"""Resource type ApiCertificates.secrets.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import pem

API_ID = "api"


class ApiCertificate(resource.Resource["ApiCertificate.Spec"]):
    """Certificates apid serves and connects with."""

    definition = resource.Definition(
        type="ApiCertificates.secrets.talos.dev",
        namespace="secrets",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.secrets.APICertsSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        accepted_c_as: tuple[pem.Certificate, ...] = msgspec.field(default=(), name="acceptedCAs")
        client: pem.CertificateAndKey | None = None
        server: pem.CertificateAndKey | None = None
        skip_verifying_client_cert: bool = msgspec.field(default=False, name="skipVerifyingClientCert")
