"""Document DiscoveryIdentityConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class DiscoveryIdentityConfig(document.Document, frozen=True, kw_only=True):
    """Discovery identity config."""

    kind: ClassVar[str] = "DiscoveryIdentityConfig"

    cluster_id: str = msgspec.field(default="", name="clusterID")
    cluster_secret: str = msgspec.field(default="", name="clusterSecret")
