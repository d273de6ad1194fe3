"""Filters that tell the node's own addresses from those Kubernetes gives it."""

from __future__ import annotations

from typing import Final

from talos.cosi import controller
from talos.machined.controllers.k8s import _config
from talos.machinery.config import views
from talos.machinery.resources.k8s import node_status, nodename
from talos.machinery.resources.network import node_address_filter

NO_KUBERNETES: Final = "no-k8s"
ONLY_KUBERNETES: Final = "only-k8s"


class AddressFilterController(controller.Controller):
    """Addresses of pods and services are not the node's: `no-k8s` leaves them out, `only-k8s` keeps just them."""

    inputs = (
        _config.INPUT,
        controller.weak(nodename.Nodename, id=nodename.NODENAME_ID),
        controller.weak(node_status.NodeStatus),
    )
    outputs = (controller.exclusive(node_address_filter.NodeAddressFilter),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put both filters. Pod ranges the cluster really gave the node count too: a CNI may have its own."""
        config = await _config.node(r)
        if config is None:
            return
        networks = views.kubernetes_network(config)
        subnets = [*networks.pod_subnets, *networks.service_subnets]
        name = await r.find(nodename.Nodename, nodename.NODENAME_ID)
        status = await r.find(node_status.NodeStatus, name.spec.nodename) if name is not None else None
        if status is not None:
            subnets += [cidr for cidr in status.spec.pod_cid_rs if cidr not in subnets]
        found = tuple(subnets)
        spec = node_address_filter.NodeAddressFilter.Spec
        await r.put(node_address_filter.NodeAddressFilter(NO_KUBERNETES, spec(exclude_subnets=found)))
        await r.put(node_address_filter.NodeAddressFilter(ONLY_KUBERNETES, spec(include_subnets=found)))
