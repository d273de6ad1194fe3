"""Document RegistryTLSConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class CertificateAndKey(msgspec.Struct, frozen=True, kw_only=True):
    """Section of RegistryTLSConfig."""

    cert: str = ""
    key: str = ""


class RegistryTLSConfig(document.Document, frozen=True, kw_only=True):
    """Registry tLSConfig."""

    kind: ClassVar[str] = "RegistryTLSConfig"
    named: ClassVar[bool] = True

    name: str = ""
    client_identity: CertificateAndKey | None = msgspec.field(default=None, name="clientIdentity")
    ca: str = ""
    insecure_skip_verify: bool | None = msgspec.field(default=None, name="insecureSkipVerify")
