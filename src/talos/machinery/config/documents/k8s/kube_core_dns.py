"""Document KubeCoreDNSConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class KubeCoreDNSConfig(document.Document, frozen=True, kw_only=True):
    """Kube core dNSConfig."""

    kind: ClassVar[str] = "KubeCoreDNSConfig"
    control_plane_only: ClassVar[bool] = True

    enabled: bool | None = None
    image: str = ""
