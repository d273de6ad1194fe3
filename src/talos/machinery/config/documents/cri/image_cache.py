"""Document ImageCacheConfig: images shipped with the boot medium."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document


class LocalImageCacheConfig(document.Section, frozen=True, kw_only=True):
    """The copy on this machine."""

    enabled: bool | None = None
    """Keep one and serve pulls from it."""


class ImageCacheConfig(document.Document, frozen=True, kw_only=True):
    """Use of the images that came with the boot medium."""

    kind: ClassVar[str] = "ImageCacheConfig"
    legacy: ClassVar[tuple[str, ...]] = ("machine.features.imageCache",)

    local: LocalImageCacheConfig | None = None
    """The copy on this machine."""

    @classmethod
    def example(cls) -> ImageCacheConfig:
        """Switched on."""
        return cls(local=LocalImageCacheConfig(enabled=True))
