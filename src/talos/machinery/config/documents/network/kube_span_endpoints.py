"""Document KubeSpanEndpointsConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class KubeSpanEndpointsConfig(document.Document, frozen=True, kw_only=True):
    """Kube span endpoints config."""

    kind: ClassVar[str] = "KubeSpanEndpointsConfig"

    extra_announced_endpoints: tuple[str, ...] = msgspec.field(default=(), name="extraAnnouncedEndpoints")
