"""Document KubeAuditPolicyConfig."""

from __future__ import annotations

from typing import Any, ClassVar

from talos.machinery.config import document


class KubeAuditPolicyConfig(document.Document, frozen=True, kw_only=True):
    """Kube audit policy config."""

    kind: ClassVar[str] = "KubeAuditPolicyConfig"
    control_plane_only: ClassVar[bool] = True

    configuration: dict[str, Any] | None = None
