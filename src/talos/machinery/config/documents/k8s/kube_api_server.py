"""Document KubeAPIServerConfig."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.machinery.config import document


class ResourcesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of KubeAPIServerConfig."""

    requests: dict[str, Any] | None = None
    limits: dict[str, Any] | None = None


class KubeAPIServerConfig(document.Document, frozen=True, kw_only=True):
    """Kube aPIServer config."""

    kind: ClassVar[str] = "KubeAPIServerConfig"
    control_plane_only: ClassVar[bool] = True

    image: str = ""
    extra_args: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
    env: dict[str, str] = msgspec.field(default_factory=dict)
    resources: ResourcesConfig | None = None
    api_port: int | None = msgspec.field(default=None, name="apiPort")
    cert_extra_sans: tuple[str, ...] = msgspec.field(default=(), name="certExtraSANs")
    startup_probes: bool | None = msgspec.field(default=None, name="startupProbes")
