"""Puts images, root filesystem and programs together as an artifact set, and makes it the current one.

Files are linked from their caches, so a set costs no space of its own and survives a pruned cache.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from talos.base.constants import versions
from talos.imager import cache, images, manifest
from talos.imager.components import Built
from talos.provision import artifacts

_PROGRAMS = {"kubectl": "kubernetes", "etcdctl": "etcdctl", "grpcprobe": "grpcprobe"}


def _versions(components: Mapping[str, manifest.Component]) -> dict[str, str]:
    return {"talos": versions.RELEASE} | {name: component.version for name, component in components.items()}


def _fill(
    folder: Path, key: str, built: Built, components: Mapping[str, manifest.Component], inputs: list[Path]
) -> None:
    layout, rootfs = inputs
    os.link(rootfs, folder / "rootfs.sqsh")
    shutil.copytree(layout, folder / "images", symlinks=True, copy_function=os.link)
    (folder / "bin").mkdir()
    for name, program in _PROGRAMS.items():
        # A link to the multi-call binary under the program's own name: it chooses by the name it is called by.
        os.link(built.path(program).resolve(), folder / "bin" / name)
    digests = {
        path: cache.file_sha256(folder / path)
        for path in ("rootfs.sqsh", "images/index.json", *(f"bin/{name}" for name in _PROGRAMS))
    }
    artifacts.ArtifactSet(folder, key, _versions(components), images.names(), digests).save()


def _make_current(folder: Path) -> None:
    link = folder.parent / "current"
    temporary = folder.parent / f".current.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(folder.name)
    temporary.rename(link)


def assemble(
    built: Built, components: Mapping[str, manifest.Component], layout: Path, rootfs: Path
) -> artifacts.ArtifactSet:
    """The set of these parts, from the cache or made now; `current` points to it afterwards."""
    key = cache.key(layout.name, rootfs.parent.name, dict(built.keys), _versions(components), images.names())
    kept = cache.Cache("artifacts")
    folder = kept.build(key, lambda temporary: _fill(temporary, key, built, components, [layout, rootfs]), sync=False)
    _make_current(folder)
    return artifacts.ArtifactSet.load(folder)
