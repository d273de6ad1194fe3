"""Document KubeSchedulerConfig."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.machinery.config import document


class ResourcesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of KubeSchedulerConfig."""

    requests: dict[str, Any] | None = None
    limits: dict[str, Any] | None = None


class KubeSchedulerConfig(document.Document, frozen=True, kw_only=True):
    """Kube scheduler config."""

    kind: ClassVar[str] = "KubeSchedulerConfig"
    control_plane_only: ClassVar[bool] = True

    enabled: bool | None = None
    image: str = ""
    config: dict[str, Any] | None = None
    extra_args: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
    env: dict[str, str] = msgspec.field(default_factory=dict)
    resources: ResourcesConfig | None = None
