"""Document KubeAuthorizerConfig."""

from __future__ import annotations

from typing import Any, ClassVar

from talos.machinery.config import document


class KubeAuthorizerConfig(document.Document, frozen=True, kw_only=True):
    """Kube authorizer config."""

    kind: ClassVar[str] = "KubeAuthorizerConfig"
    named: ClassVar[bool] = True
    control_plane_only: ClassVar[bool] = True

    name: str = ""
    type: str = ""
    webhook: dict[str, Any] | None = None
