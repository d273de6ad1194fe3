"""Document KubeAggregatorCAConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class CertificateAndKey(msgspec.Struct, frozen=True, kw_only=True):
    """Section of KubeAggregatorCAConfig."""

    cert: str = ""
    key: str = ""


class KubeAggregatorCAConfig(document.Document, frozen=True, kw_only=True):
    """Kube aggregator cAConfig."""

    kind: ClassVar[str] = "KubeAggregatorCAConfig"
    control_plane_only: ClassVar[bool] = True

    issuing_ca: CertificateAndKey | None = msgspec.field(default=None, name="issuingCA")
    accepted_cas: tuple[str, ...] = msgspec.field(default=(), name="acceptedCAs")
