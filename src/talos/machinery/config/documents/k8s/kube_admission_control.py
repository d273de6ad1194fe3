"""Document KubeAdmissionControlConfig."""

from __future__ import annotations

from typing import Any, ClassVar

from talos.machinery.config import document


class KubeAdmissionControlConfig(document.Document, frozen=True, kw_only=True):
    """Kube admission control config."""

    kind: ClassVar[str] = "KubeAdmissionControlConfig"
    named: ClassVar[bool] = True
    control_plane_only: ClassVar[bool] = True

    name: str = ""
    configuration: dict[str, Any] | None = None
