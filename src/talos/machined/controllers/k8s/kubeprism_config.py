"""Where KubePrism listens and what it balances over."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config import views
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.k8s.kube_prism_config import KUBE_PRISM_CONFIG_ID, KubePrismConfig
from talos.machinery.resources.k8s.kube_prism_endpoint import KUBE_PRISM_ENDPOINTS_ID, KubePrismEndpoint

HOST = "127.0.0.1"


class KubePrismConfigController(controller.Controller):
    """Publishes KubePrismConfig while KubePrism is on and an endpoint is known."""

    inputs = (
        controller.weak(MachineConfig, id=ACTIVE_ID),
        controller.weak(KubePrismEndpoint, id=KUBE_PRISM_ENDPOINTS_ID),
    )
    outputs = (controller.exclusive(KubePrismConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Join the two."""
        machine = await r.find(MachineConfig, ACTIVE_ID)
        endpoints = await r.find(KubePrismEndpoint, KUBE_PRISM_ENDPOINTS_ID)
        if machine is None or endpoints is None:
            return
        wanted = views.kube_prism(machine.documents)
        if not wanted.enabled:
            return
        spec = KubePrismConfig.Spec(host=HOST, port=wanted.port, endpoints=endpoints.spec.endpoints)
        await r.put(KubePrismConfig(KUBE_PRISM_CONFIG_ID, spec))
