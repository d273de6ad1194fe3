"""Document KubeProxyConfig."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.machinery.config import document


class ResourcesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of KubeProxyConfig."""

    requests: dict[str, Any] | None = None
    limits: dict[str, Any] | None = None


class KubeProxyConfig(document.Document, frozen=True, kw_only=True):
    """Kube proxy config."""

    kind: ClassVar[str] = "KubeProxyConfig"
    control_plane_only: ClassVar[bool] = True

    enabled: bool | None = None
    image: str = ""
    mode: str = ""
    config: dict[str, Any] | None = None
    extra_args: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
    resources: ResourcesConfig | None = None
