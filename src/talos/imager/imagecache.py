"""The container images that a medium brings along: a squashfs of their layers, unpacked, and of what names them.

Layers as blobs stay behind: nodes link what lies unpacked (`supervisor/containerd/importer`), so the images are there
once, compressed. Made from an image layout; the same layout gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

from talos.imager import cache, images, tarlayer
from talos.imager.sysroot import Sysroot

_LAYOUT = 1  # raised when the way of packing changes
_TIMEOUT_S = 900.0
FILE = "imagecache.sqsh"


def _key(layout: Path, tree: Sysroot, level: int) -> str:
    return cache.key(_LAYOUT, layout.name, tree.describe(("squashfs-tools",)), level)


def _pack(layout: Path, tree: Sysroot, level: int, output: Path, log: Path) -> None:
    layers = {digest for name, digest in images.digests(layout).items() if "/layer" in name}
    argv = ["mksquashfs", str(layout), str(output), "-noappend", "-no-progress", "-quiet", "-no-xattrs"]
    argv += ["-comp", "zstd", "-Xcompression-level", str(level), "-b", "256K"]
    argv += ["-all-time", str(tarlayer.EPOCH), "-mkfs-time", str(tarlayer.EPOCH)]
    argv += ["-e", *(f"blobs/sha256/{digest}" for digest in sorted(layers))]
    tree.run(argv, log=log, timeout_s=_TIMEOUT_S, shared=[layout, output.parent])


def cached(layout: Path, tree: Sysroot, level: int) -> bool:
    """Whether it is there."""
    return cache.Cache("image-caches").get(_key(layout, tree, level)) is not None


def build(layout: Path, tree: Sysroot, level: int, log: Path) -> Path:
    """The packed images of a layout with unpacked layers, from the cache or made now with a level of zstd."""

    def make(folder: Path) -> None:
        _pack(layout, tree, level, folder / FILE, log)

    return cache.Cache("image-caches").build(_key(layout, tree, level), make, sync=False) / FILE
