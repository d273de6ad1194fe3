"""Control plane endpoints as Kubernetes knows them: the addresses behind the service `kubernetes`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from talos.base import errors, tasks
from talos.base.constants import paths
from talos.cosi import controller
from talos.k8s import client as kubernetes
from talos.k8s.encode import Object
from talos.machined.controllers.k8s import _following
from talos.machinery.resources.k8s import endpoint, kubelet_kubeconfig
from talos.machinery.resources.secrets import kubernetes_secret


def addresses(slices: Iterable[Object]) -> tuple[str, ...]:
    """Return the ready addresses of endpoint slices, sorted."""
    found = {
        str(address)
        for piece in slices
        for entry in piece.get("endpoints") or ()
        if (entry.get("conditions") or {}).get("ready") is not False
        for address in entry.get("addresses") or ()
    }
    return tuple(sorted(found))


class EndpointController(controller.Controller):
    """Follow the endpoint slices of the service `kubernetes`, as admin or with the kubelet's rights."""

    inputs = (
        controller.weak(kubernetes_secret.KubernetesSecret, id=kubernetes_secret.KUBERNETES_ID),
        controller.weak(kubelet_kubeconfig.KubeletKubeconfig, id=kubelet_kubeconfig.KUBELET_KUBECONFIG_ID),
    )
    outputs = (controller.shared(endpoint.Endpoint),)

    def __init__(self, kubeconfig: Path = paths.KUBELET_KUBECONFIG) -> None:
        self._kubeconfig = kubeconfig
        self._follower = _following.Follower(
            kubernetes.ENDPOINT_SLICES, "default", labels="kubernetes.io/service-name=kubernetes"
        )
        self._owner: tasks.Owner | None = None

    async def run(self, r: controller.Handle) -> None:
        """Own the watch beside the usual loop."""
        async with tasks.Owner("endpoints", r.log) as self._owner:
            async for _ in r.changes():
                await r.reconcile()

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the addresses; keeps the last known ones while the API server cannot be reached."""
        admin = await r.find(kubernetes_secret.KubernetesSecret, kubernetes_secret.KUBERNETES_ID)
        kubelet = await r.find(kubelet_kubeconfig.KubeletKubeconfig, kubelet_kubeconfig.KUBELET_KUBECONFIG_ID)
        assert self._owner is not None
        if admin is not None:
            text = admin.spec.localhost_admin_kubeconfig
            await self._follower.follow(self._owner, r, text, lambda: kubernetes.Client.from_kubeconfig(text))
        elif kubelet is not None:
            key = kubelet.spec.hash
            await self._follower.follow(
                self._owner, r, key, lambda: kubernetes.Client.from_kubeconfig(self._kubeconfig.read_text())
            )
        else:
            await self._follower.stop()
            return
        found = addresses(self._follower.objects.values())
        if not self._follower.synced or not found:
            raise errors.NotReady("the API server has not answered yet")
        spec = endpoint.Endpoint.Spec(addresses=found)
        await r.put(endpoint.Endpoint(endpoint.CONTROL_PLANE_KUBERNETES_ENDPOINTS_ID, spec))
