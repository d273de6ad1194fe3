"""Document KubeEtcdEncryptionConfig."""

from __future__ import annotations

from typing import Any, ClassVar

from talos.machinery.config import document


class KubeEtcdEncryptionConfig(document.Document, frozen=True, kw_only=True):
    """Kube etcd encryption config."""

    kind: ClassVar[str] = "KubeEtcdEncryptionConfig"
    control_plane_only: ClassVar[bool] = True

    config: dict[str, Any] | None = None
