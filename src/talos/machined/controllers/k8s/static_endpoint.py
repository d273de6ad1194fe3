"""Endpoints of the control plane that the configuration names."""

from __future__ import annotations

import ipaddress

from talos.cosi import controller
from talos.machined.controllers.k8s import _config
from talos.machinery.config import views
from talos.machinery.resources.k8s import endpoint


class StaticEndpointController(controller.Controller):
    """The host of the cluster's endpoint: an address, or a name."""

    inputs = (_config.INPUT,)
    outputs = (controller.shared(endpoint.Endpoint),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the endpoint."""
        config = await _config.node(r)
        if config is None:
            return
        host = views.cluster(config).endpoint_host
        try:
            spec = endpoint.Endpoint.Spec(addresses=(str(ipaddress.ip_address(host)),))
        except ValueError:
            spec = endpoint.Endpoint.Spec(hosts=(host,))
        await r.put(endpoint.Endpoint(endpoint.CONTROL_PLANE_API_SERVER_ENDPOINTS_ID, spec))
