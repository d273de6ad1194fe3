"""KubePrism: the API servers of the cluster behind one local address."""

from __future__ import annotations

from talos.cosi import controller
from talos.k8s import balancer
from talos.machinery.resources.k8s.kube_prism_config import KUBE_PRISM_CONFIG_ID, KubePrismConfig
from talos.machinery.resources.k8s.kube_prism_status import KUBE_PRISM_STATUSES_ID, KubePrismStatus


class KubePrismController(controller.Controller):
    """Runs the balancer and publishes KubePrismStatus."""

    inputs = (controller.weak(KubePrismConfig, id=KUBE_PRISM_CONFIG_ID),)
    outputs = (controller.exclusive(KubePrismStatus),)

    def __init__(self) -> None:
        self._balancer: balancer.Balancer | None = None
        self._listen: tuple[str, int] | None = None

    async def run(self, r: controller.Handle) -> None:
        """As usual; the balancer ends with the controller."""
        try:
            await super().run(r)
        finally:
            await self._stop()

    async def reconcile(self, r: controller.Handle) -> None:
        """A new list of endpoints keeps connections; a new address to listen on does not."""
        config = await r.find(KubePrismConfig, KUBE_PRISM_CONFIG_ID)
        if config is None:
            await self._stop()
            return
        listen = (config.spec.host, config.spec.port)
        if listen != self._listen:
            await self._stop()
            started = balancer.Balancer([listen], changed=r.wake)
            await started.start()
            self._balancer, self._listen = started, listen
            r.log.info("KubePrism listens on %s:%d", *listen)
        assert self._balancer is not None
        self._balancer.set_upstreams(balancer.Upstream(one.host, one.port) for one in config.spec.endpoints)
        host = f"{config.spec.host}:{config.spec.port}"
        spec = KubePrismStatus.Spec(host=host, healthy=self._balancer.healthy)
        await r.put(KubePrismStatus(KUBE_PRISM_STATUSES_ID, spec))

    async def _stop(self) -> None:
        if self._balancer is not None:
            await self._balancer.close()
            self._balancer = self._listen = None
