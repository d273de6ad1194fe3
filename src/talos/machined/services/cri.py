"""cri: the containerd that runs etcd, kubelet and the pods.

It counts as healthy once it answers and the images of etcd and kubelet are in it, so that whoever depends on it finds
its image there. Containers do not end with it: their shims live in a cgroup of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from google.protobuf import empty_pb2

from talos.base.constants import cgroups, paths
from talos.machined import image_cache, programs
from talos.supervisor import condition, health, service
from talos.supervisor.containerd import client
from talos.supervisor.containerd._generated.containerd import version_pb2
from talos.supervisor.runner import Exit, Runner, process

_VERSION = version_pb2.DESCRIPTOR.services_by_name["Version"]


class Cri(service.Service):
    """containerd on /run/containerd/containerd.sock."""

    id: ClassVar[str] = "cri"

    def __init__(self, containerd: client.Client, images: image_cache.ImageCache) -> None:
        self._client, self._images = containerd, images
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
        await self._images.check()

    async def cleanup(self, outcome: Exit | None) -> None:
        """Forget the connection and what was imported."""
        self._client.close()
        self._images.forget()
