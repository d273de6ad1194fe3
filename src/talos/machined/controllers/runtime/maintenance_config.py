"""Where the API listens in maintenance mode."""

from __future__ import annotations

import ipaddress

from talos.base.constants import ports
from talos.cosi import controller
from talos.machinery.resources.network.node_address import NODE_ADDRESS_CURRENT_ID, NodeAddress
from talos.machinery.resources.runtime.maintenance_service_config import (
    MAINTENANCE_SERVICE_CONFIG_ID,
    MaintenanceServiceConfig,
)


class MaintenanceConfigController(controller.Controller):
    """Every address of the node can be reached."""

    inputs = (controller.weak(NodeAddress, id=NODE_ADDRESS_CURRENT_ID),)
    outputs = (controller.exclusive(MaintenanceServiceConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the addresses."""
        current = await r.find(NodeAddress, NODE_ADDRESS_CURRENT_ID)
        if current is None:
            return
        reachable = tuple(str(ipaddress.ip_interface(str(address)).ip) for address in current.spec.addresses)
        spec = MaintenanceServiceConfig.Spec(listen_address=f":{ports.APID}", reachable_addresses=reachable)
        await r.put(MaintenanceServiceConfig(MAINTENANCE_SERVICE_CONFIG_ID, spec))
