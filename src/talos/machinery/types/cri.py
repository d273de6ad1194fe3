"""Enumerations of the cri domain; texts as in YAML, numbers as in protos/api."""

from __future__ import annotations

from talos.machinery.types import wire


class ImageCacheStatus(wire.WireEnum):
    """State of the image cache."""

    UNKNOWN = "unknown", 0
    DISABLED = "disabled", 1
    PREPARING = "preparing", 2
    READY = "ready", 3


class ImageCacheCopyStatus(wire.WireEnum):
    """State of copying the image cache to disk."""

    UNKNOWN = "unknown", 0
    SKIPPED = "skipped", 1
    PENDING = "pending", 2
    READY = "ready", 3
