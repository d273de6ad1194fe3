"""Which subnets the node's addresses may come from."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.controllers.k8s import _config
from talos.machinery.config import views
from talos.machinery.resources.k8s import kubelet_config, node_ip_config


class NodeIPConfigController(controller.Controller):
    """The user's subnets without those of pods and services."""

    inputs = (_config.INPUT,)
    outputs = (controller.exclusive(node_ip_config.NodeIPConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the subnets; those the user marks with `!` are excluded."""
        config = await _config.node(r)
        if config is None:
            return
        subnets, networks = views.node(config).valid_subnets, views.kubernetes_network(config)
        excluded = [s.removeprefix("!") for s in subnets if s.startswith("!")]
        spec = node_ip_config.NodeIPConfig.Spec(
            valid_subnets=tuple(s for s in subnets if not s.startswith("!")),
            exclude_subnets=(
                *excluded,
                *networks.pod_subnets,
                *networks.service_subnets,
                *views.shared_addresses(config),
            ),
        )
        await r.put(node_ip_config.NodeIPConfig(kubelet_config.KUBELET_ID, spec))
