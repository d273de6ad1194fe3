"""Document KubeInlineManifestConfig."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class KubeInlineManifestConfig(document.Document, frozen=True, kw_only=True):
    """Kube inline manifest config."""

    kind: ClassVar[str] = "KubeInlineManifestConfig"
    named: ClassVar[bool] = True

    name: str = ""
    manifest: str = ""
