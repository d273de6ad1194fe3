"""Resource type OSRootSecrets.secrets.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import pem

OS_ROOT_ID = "os"


class OSRootSecret(resource.Resource["OSRootSecret.Spec"]):
    """CA of the machine's API, and the token nodes join with."""

    definition = resource.Definition(
        type="OSRootSecrets.secrets.talos.dev",
        namespace="secrets",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.secrets.OSRootSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        issuing_ca: pem.CertificateAndKey | None = msgspec.field(default=None, name="issuingCA")
        accepted_c_as: tuple[pem.Certificate, ...] = msgspec.field(default=(), name="acceptedCAs")
        cert_sani_ps: tuple[str, ...] = msgspec.field(default=(), name="certSANIPs")
        cert_sandns_names: tuple[str, ...] = msgspec.field(default=(), name="certSANDNSNames")
        token: str = ""
