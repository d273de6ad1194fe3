"""Document KubeServiceAccountConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class IssuerServiceAccountConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of KubeServiceAccountConfig."""

    private_key: str = msgspec.field(default="", name="privateKey")
    issuer_url: str = msgspec.field(default="", name="issuerURL")


class AcceptedServiceAccountConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of KubeServiceAccountConfig."""

    public_keys: tuple[str, ...] = msgspec.field(default=(), name="publicKeys")
    issuers: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()


class KubeServiceAccountConfig(document.Document, frozen=True, kw_only=True):
    """Kube service account config."""

    kind: ClassVar[str] = "KubeServiceAccountConfig"
    control_plane_only: ClassVar[bool] = True

    issuer: IssuerServiceAccountConfig | None = None
    accepted: AcceptedServiceAccountConfig | None = None
