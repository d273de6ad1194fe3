"""Document KubeClusterConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class KubeClusterConfig(document.Document, frozen=True, kw_only=True):
    """Kube cluster config."""

    kind: ClassVar[str] = "KubeClusterConfig"

    cluster_name: str = msgspec.field(default="", name="clusterName")
    endpoint: str = ""
