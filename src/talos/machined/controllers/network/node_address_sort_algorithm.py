"""The order in which node addresses are listed, from the configuration."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.controllers.network import _config
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.node_address_sort_algorithm import (
    NODE_ADDRESS_SORT_ALGORITHM_ID,
    NodeAddressSortAlgorithm,
)


class NodeAddressSortAlgorithmController(controller.Controller):
    """One resource, also before there is a configuration."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(NodeAddressSortAlgorithm),)

    async def reconcile(self, r: controller.Handle) -> None:
        """The algorithm of the configuration, v1 without one."""
        spec = NodeAddressSortAlgorithm.Spec(algorithm=_config.sort_algorithm(await _config.active(r)))
        await r.put(NodeAddressSortAlgorithm(NODE_ADDRESS_SORT_ALGORITHM_ID, spec))
