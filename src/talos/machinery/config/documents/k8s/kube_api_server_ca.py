"""Document KubeAPIServerCAConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class CertificateAndKey(msgspec.Struct, frozen=True, kw_only=True):
    """Section of KubeAPIServerCAConfig."""

    cert: str = ""
    key: str = ""


class KubeAPIServerCAConfig(document.Document, frozen=True, kw_only=True):
    """Kube aPIServer cAConfig."""

    kind: ClassVar[str] = "KubeAPIServerCAConfig"

    issuing_ca: CertificateAndKey | None = msgspec.field(default=None, name="issuingCA")
    accepted_cas: tuple[str, ...] = msgspec.field(default=(), name="acceptedCAs")
