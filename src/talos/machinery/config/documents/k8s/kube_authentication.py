"""Document KubeAuthenticationConfig."""

from __future__ import annotations

from typing import Any, ClassVar

from talos.machinery.config import document


class KubeAuthenticationConfig(document.Document, frozen=True, kw_only=True):
    """Kube authentication config."""

    kind: ClassVar[str] = "KubeAuthenticationConfig"
    control_plane_only: ClassVar[bool] = True

    configuration: dict[str, Any] | None = None
