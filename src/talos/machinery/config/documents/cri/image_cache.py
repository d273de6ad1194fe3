"""Document ImageCacheConfig."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.machinery.config import document


class LocalImageCacheConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of ImageCacheConfig."""

    enabled: bool | None = None


class ImageCacheConfig(document.Document, frozen=True, kw_only=True):
    """Image cache config."""

    kind: ClassVar[str] = "ImageCacheConfig"

    local: LocalImageCacheConfig | None = None
