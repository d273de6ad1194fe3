"""Addresses of the control plane as discovery knows them; trustd clients, KubePrism and etcd's join use them."""

from __future__ import annotations

import ipaddress

from talos.cosi import controller
from talos.machinery.resources.cluster.member import Member
from talos.machinery.resources.k8s.endpoint import CONTROL_PLANE_DISCOVERED_ENDPOINTS_ID, Endpoint
from talos.machinery.types.machine import MachineType

_CONTROL_PLANE = (MachineType.CONTROL_PLANE, MachineType.INIT)


class EndpointController(controller.Controller):
    """Publishes the addresses of all control plane members, sorted."""

    inputs = (controller.weak(Member),)
    outputs = (controller.shared(Endpoint),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One resource, also when it is empty: others tell "none" from "not yet"."""
        found = {
            ipaddress.ip_address(address)
            for member in await r.list(Member)
            if member.spec.machine_type in _CONTROL_PLANE
            for address in member.spec.addresses
        }
        addresses = tuple(str(one) for one in sorted(found, key=lambda one: (one.version, int(one))))
        await r.put(Endpoint(CONTROL_PLANE_DISCOVERED_ENDPOINTS_ID, Endpoint.Spec(addresses=addresses)))
