"""Resource type TrustdCertificates.secrets.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import pem

TRUSTD_ID = "trustd"


class TrustdCertificate(resource.Resource["TrustdCertificate.Spec"]):
    """Certificate trustd serves."""

    definition = resource.Definition(
        type="TrustdCertificates.secrets.talos.dev",
        namespace="secrets",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.secrets.TrustdCertsSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        accepted_c_as: tuple[pem.Certificate, ...] = msgspec.field(default=(), name="acceptedCAs")
        server: pem.CertificateAndKey | None = None
