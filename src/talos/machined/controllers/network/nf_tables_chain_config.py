"""The ingress firewall of the configuration, as chains."""

from __future__ import annotations

import ipaddress

from talos.cosi import controller
from talos.machined.controllers.network import _config, _firewall
from talos.machinery.config import views
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.nf_tables_chain import NfTablesChain
from talos.machinery.resources.network.node_address import NODE_ADDRESS_ROUTED_ID, NodeAddress


class NfTablesChainConfigController(controller.Controller):
    """Writes the chains `ingress` and `prerouting`, or none."""

    inputs = (
        controller.weak(MachineConfig, id=ACTIVE_ID),
        controller.weak(NodeAddress, id=NODE_ADDRESS_ROUTED_ID),
    )
    outputs = (controller.shared(NfTablesChain),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Rules of the documents, for this node's addresses."""
        config = await _config.active(r)
        routed = await r.find(NodeAddress, NODE_ADDRESS_ROUTED_ID)
        own = [str(ipaddress.ip_interface(one).ip) for one in routed.spec.addresses] if routed else []
        networks = views.kubernetes_network(config)
        cluster = [*networks.pod_subnets, *networks.service_subnets] if config.v1alpha1 is not None else []
        for id, spec in _firewall.plan(config, own, cluster).items():
            await r.put(NfTablesChain(id, spec))
