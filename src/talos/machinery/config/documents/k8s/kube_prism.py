"""Document KubePrismConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class KubePrismConfig(document.Document, frozen=True, kw_only=True):
    """Kube prism config."""

    kind: ClassVar[str] = "KubePrismConfig"

    port: int = 0
    tls_server_name: str = msgspec.field(default="", name="tlsServerName")
