"""Document KubeExternalManifestConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class KubeExternalManifestConfig(document.Document, frozen=True, kw_only=True):
    """Kube external manifest config."""

    kind: ClassVar[str] = "KubeExternalManifestConfig"
    named: ClassVar[bool] = True

    name: str = ""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    url: str = ""
