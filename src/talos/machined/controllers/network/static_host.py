"""Names the node answers itself: those of the configuration and its own."""

from __future__ import annotations

import ipaddress
from collections import defaultdict

from talos.cosi import controller
from talos.machined.controllers.network import _config
from talos.machinery.config import views
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.hostname_spec import HOSTNAME_ID
from talos.machinery.resources.network.hostname_status import HostnameStatus
from talos.machinery.resources.network.node_address import NODE_ADDRESS_CURRENT_ID, NodeAddress
from talos.machinery.resources.network.static_host import StaticHost


class StaticHostController(controller.Controller):
    """Publishes one StaticHost per name."""

    inputs = (
        controller.weak(MachineConfig, id=ACTIVE_ID),
        controller.weak(HostnameStatus, id=HOSTNAME_ID),
        controller.weak(NodeAddress, id=NODE_ADDRESS_CURRENT_ID),
    )
    outputs = (controller.exclusive(StaticHost),)

    async def reconcile(self, r: controller.Handle) -> None:
        """The own name stands for the current addresses, with and without its domain."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for ip, names in views.static_hosts(await _config.active(r)).items():
            for name in names:
                found[name].append(ip)
        hostname = await r.find(HostnameStatus, HOSTNAME_ID)
        current = await r.find(NodeAddress, NODE_ADDRESS_CURRENT_ID)
        if hostname and current:
            own = [str(ipaddress.ip_interface(one).ip) for one in current.spec.addresses]
            name, domain = hostname.spec.hostname, hostname.spec.domainname
            for known in (name, f"{name}.{domain}") if domain else (name,):
                found[known] += own
        for name, addresses in found.items():
            await r.put(StaticHost(name, StaticHost.Spec(addresses=tuple(dict.fromkeys(addresses)))))
