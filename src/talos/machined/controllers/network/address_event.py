"""Tells followers of machine events what the node is called and which addresses it has."""

from __future__ import annotations

import ipaddress

from talos.cosi import controller
from talos.machined import events
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.resources.network.hostname_spec import HOSTNAME_ID
from talos.machinery.resources.network.hostname_status import HostnameStatus
from talos.machinery.resources.network.node_address import NODE_ADDRESS_CURRENT_ID, NodeAddress


class AddressEventController(controller.Controller):
    """Publishes an AddressEvent after each change."""

    inputs = (
        controller.weak(NodeAddress, id=NODE_ADDRESS_CURRENT_ID),
        controller.weak(HostnameStatus, id=HOSTNAME_ID),
    )

    def __init__(self, bus: events.EventBus) -> None:
        self._bus = bus
        self._last: machine_pb2.AddressEvent | None = None

    async def reconcile(self, r: controller.Handle) -> None:
        """Nothing before there are addresses; nothing twice."""
        current = await r.find(NodeAddress, NODE_ADDRESS_CURRENT_ID)
        hostname = await r.find(HostnameStatus, HOSTNAME_ID)
        if current is None or not current.spec.addresses:
            return
        event = machine_pb2.AddressEvent(
            hostname=hostname.spec.hostname if hostname else "",
            addresses=[str(ipaddress.ip_interface(one).ip) for one in current.spec.addresses],
        )
        if event != self._last:
            self._last = event
            self._bus.publish(event)
