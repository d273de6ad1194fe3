"""Document KubeCredentialProviderConfig."""

from __future__ import annotations

from typing import Any, ClassVar

from talos.machinery.config import document


class KubeCredentialProviderConfig(document.Document, frozen=True, kw_only=True):
    """Kube credential provider config."""

    kind: ClassVar[str] = "KubeCredentialProviderConfig"

    configuration: dict[str, Any] | None = None
