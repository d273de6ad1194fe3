"""cri: the containerd that runs etcd, kubelet and the pods.

It counts as healthy once it answers and the images of the artifact cache are in it, so that whoever depends on it finds
its image there. Containers do not end with it: their shims live in a cgroup of their own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import ClassVar

from google.protobuf import empty_pb2

from talos.base import errors
from talos.base.constants import cgroups, paths, versions
from talos.machined import programs
from talos.supervisor import condition, health, service
from talos.supervisor.containerd import client, images
from talos.supervisor.containerd._generated.containerd import version_pb2
from talos.supervisor.runner import Exit, Runner, process

_log = logging.getLogger("service.cri")
_VERSION = version_pb2.DESCRIPTOR.services_by_name["Version"]
_OF_SYSTEM = ("/kubelet:", "/etcd:")


def belongs_to_system(name: str) -> bool:
    """Tell whether an image is run by machined itself, and not by kubelet."""
    return any(part in name for part in _OF_SYSTEM)


class Cri(service.Service):
    """containerd on /run/containerd/containerd.sock."""

    id: ClassVar[str] = "cri"

    def __init__(self, containerd: client.Client) -> None:
        self._client = containerd
        self._import: asyncio.Task[None] | None = None
        self.health = health.HealthCheck(self._check, interval_s=10.0, timeout_s=10.0, initial_delay_s=0.02)

    def conditions(self) -> Sequence[condition.Condition]:
        """Its configuration, and /var."""
        return (
            condition.FileExists(paths.CRI_CONF_D / "cri.toml"),
            condition.FileExists(paths.CONTAINERD_ROOT),
        )

    def runner(self) -> Runner:
        """The program, in the cgroup of the pod runtime."""
        part = cgroups.POD_RUNTIME
        return process.Process(
            argv=("/usr/bin/containerd", "--address", str(paths.CONTAINERD_SOCKET), "--config", str(paths.CRI_CONFIG)),
            env=programs.environment(),
            oom_score_adj=-500,
            cgroup=part.path,
        )

    async def _check(self) -> None:
        await self._client.call(_VERSION, "Version", empty_pb2.Empty(), version_pb2.VersionResponse, timeout_s=5)
        if self._import is None:
            self._import = asyncio.ensure_future(self._import_images())
        done, _ = await asyncio.wait([self._import], timeout=9)
        if not done:
            raise errors.NotReady("images are being imported")
        try:
            self._import.result()
        except BaseException:
            self._import = None
            raise

    async def _import_images(self) -> None:
        if not (paths.IMAGE_CACHE / "index.json").exists():
            return
        began = asyncio.get_running_loop().time()
        found = await images.Images(self._client).import_layout(
            paths.IMAGE_CACHE,
            {
                versions.CONTAINERD_NAMESPACE_SYSTEM: belongs_to_system,
                versions.CONTAINERD_NAMESPACE_K8S: lambda name: not belongs_to_system(name),
            },
            pinned=lambda name: name == versions.IMAGE_PAUSE,
        )
        seconds = asyncio.get_running_loop().time() - began
        _log.info("%d images of the cache are there after %.2f s", sum(map(len, found.values())), seconds)

    async def cleanup(self, outcome: Exit | None) -> None:
        """Forget the connection and what was imported."""
        self._client.close()
        if self._import is not None:
            self._import.cancel()
            self._import = None
