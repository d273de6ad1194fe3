"""The artifact cache's images on their way into containerd, in the order in which a node that boots needs them.

Whoever waits for containerd gets the images that machined itself runs; those of pods follow while etcd and kubelet
start, so static pods wait for `pods`. Images that are there already cost a few calls. A container finds its cache where
the provisioner has put it; on a machine a controller mounts it and tells where it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from talos.base import errors
from talos.base.constants import paths, versions
from talos.cosi import state
from talos.machinery.resources.cri.image_cache_config import IMAGE_CACHE_CONFIG_ID, ImageCacheConfig
from talos.machinery.types.cri import ImageCacheStatus
from talos.supervisor.containerd import client, images

_log = logging.getLogger("images")
_OF_SYSTEM: Final = ("/kubelet:", "/etcd:")
_PATIENCE_S: Final = 9.0
_MOUNT_S: Final = 60.0
_SETTLED: Final = (ImageCacheStatus.READY, ImageCacheStatus.DISABLED)


def belongs_to_system(name: str) -> bool:
    """Tell whether an image is run by machined itself, and not by kubelet."""
    return any(part in name for part in _OF_SYSTEM)


class ImageCache:
    """Import, once per containerd. `pods` is set while no static pod would ask for an image that is still to come."""

    def __init__(
        self, containerd: client.Client, layout: Path = paths.IMAGE_CACHE, told_by: state.State | None = None
    ) -> None:
        """`told_by`: where the place of the cache becomes known, instead of `layout`."""
        self._client, self._layout, self._told_by = containerd, layout, told_by
        self._system: asyncio.Task[None] | None = None
        self._rest: asyncio.Task[None] | None = None
        self.pods = asyncio.Event()

    async def check(self) -> None:
        """Return once the system's images are there, and see to the rest. Raises NotReady, OSError, RpcError."""
        if self._system is None:
            self._system = asyncio.ensure_future(
                self._import(versions.CONTAINERD_NAMESPACE_SYSTEM, belongs_to_system),
            )
        done, _ = await asyncio.wait([self._system], timeout=_PATIENCE_S)
        if not done:
            raise errors.NotReady("images are being imported")
        try:
            self._system.result()
            if self._rest is None:
                self._rest = asyncio.ensure_future(self._import_rest())
            elif self._rest.done():
                self._rest.result()
        except BaseException:
            self.forget()
            raise

    async def _import_rest(self) -> None:
        await self._import(versions.CONTAINERD_NAMESPACE_K8S, lambda name: not belongs_to_system(name))
        self.pods.set()

    async def _import(self, namespace: str, fits: Callable[[str], bool]) -> None:
        layout = await self._place()
        if layout is None or not (layout / "index.json").exists():
            return
        began = asyncio.get_running_loop().time()
        found = await images.Images(self._client).import_layout(
            layout, {namespace: fits}, pinned=lambda name: name == versions.IMAGE_PAUSE
        )
        seconds = asyncio.get_running_loop().time() - began
        _log.info("%d images of the cache are in %s after %.2f s", len(found[namespace]), namespace, seconds)

    async def _place(self) -> Path | None:
        if self._told_by is None:
            return self._layout
        found = await state.wait_for(
            self._told_by,
            ImageCacheConfig,
            IMAGE_CACHE_CONFIG_ID,
            lambda one: one is not None and one.spec.status in _SETTLED,
            timeout_s=_MOUNT_S,
        )
        return Path(found.spec.roots[0]) if found is not None and found.spec.roots else None

    def forget(self) -> None:
        """Begin anew at the next check: containerd has ended, or an import failed. What was imported once stays."""
        for task in (self._system, self._rest):
            if task is not None:
                task.cancel()
        self._system = self._rest = None
