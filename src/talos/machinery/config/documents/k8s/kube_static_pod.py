"""Document KubeStaticPodConfig."""

from __future__ import annotations

from typing import Any, ClassVar

from talos.machinery.config import document


class KubeStaticPodConfig(document.Document, frozen=True, kw_only=True):
    """Kube static pod config."""

    kind: ClassVar[str] = "KubeStaticPodConfig"
    named: ClassVar[bool] = True

    name: str = ""
    pod: dict[str, Any] | None = None
