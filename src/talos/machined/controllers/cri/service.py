"""Starts cri when its configuration is written, and again when that changes."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.resources.files.etc_file_status import EtcFileStatus
from talos.supervisor import supervisor

_FILES = ("cri/containerd.toml", "cri/conf.d/cri.toml")


class ServiceController(controller.Controller):
    """Owns the start of cri. Registry hosts are read by containerd at each pull and need no restart."""

    name = "cri.ServiceController"
    inputs = (controller.weak(EtcFileStatus),)

    def __init__(self, services: supervisor.Supervisor) -> None:
        self._supervisor = services
        self._versions: tuple[str, ...] = ()

    async def reconcile(self, r: controller.Handle) -> None:
        """Start at the first sight of all files, restart when one has another version."""
        found = {one.metadata.id: one.spec.spec_version for one in await r.list(EtcFileStatus)}
        seen = tuple(found.get(name, "") for name in (*_FILES, "cri/conf.d/base-spec.json"))
        if not all(seen[:2]) or seen == self._versions:
            return
        first, self._versions = not self._versions, seen
        if first:
            await self._supervisor.start("cri")
        else:
            await self._supervisor.restart("cri")
