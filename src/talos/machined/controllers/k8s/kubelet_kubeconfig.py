"""The kubelet's own kubeconfig, followed on disk: it appears when the node got its certificate."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from talos.base import tasks
from talos.base.constants import paths
from talos.cosi import controller
from talos.linux import inotify
from talos.machinery.resources.k8s import kubelet_kubeconfig

_RETRY_S = 2.0


class KubeletKubeconfigController(controller.Controller):
    """Publish the hash of the kubeconfig and of the certificate it points to."""

    outputs = (controller.exclusive(kubelet_kubeconfig.KubeletKubeconfig),)

    def __init__(self, path: Path = paths.KUBELET_KUBECONFIG, pki: Path = paths.KUBELET_PKI) -> None:
        self._path = path
        self._certificate = pki / "kubelet-client-current.pem"

    async def run(self, r: controller.Handle) -> None:
        """Watch both directories beside the usual loop."""
        async with tasks.Owner("kubelet-kubeconfig", r.log) as owner:
            for path in (self._path, self._certificate):
                owner.spawn(self._watch(r, path), path.name)
            async for _ in r.changes():
                await r.reconcile()

    async def _watch(self, r: controller.Handle, path: Path) -> None:
        while True:
            try:
                async for names in inotify.changes(path.parent):
                    if not names or path.name in names:
                        r.wake()
            except OSError as error:
                r.log.debug("%s is not watched: %s", path.parent, error)
            await asyncio.sleep(_RETRY_S)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the hash while both files are there."""
        try:
            data = self._path.read_bytes() + self._certificate.read_bytes()
        except FileNotFoundError:
            return
        spec = kubelet_kubeconfig.KubeletKubeconfig.Spec(hash=hashlib.sha256(data).hexdigest())
        await r.put(kubelet_kubeconfig.KubeletKubeconfig(kubelet_kubeconfig.KUBELET_KUBECONFIG_ID, spec))
