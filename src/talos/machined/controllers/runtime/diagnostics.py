"""Warnings about what is set up in a way that can not work, with what to look at."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from talos.cosi import controller
from talos.machinery.config import views
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.node_address import NODE_ADDRESS_ROUTED_ID, NodeAddress
from talos.machinery.resources.runtime.diagnostic import Diagnostic

OVERLAP_ID = "address-overlap"


def overlaps(addresses: Iterable[str], networks: Iterable[str], kind: str) -> list[str]:
    """The node's networks that share addresses with one of Kubernetes'."""
    own = [ipaddress.ip_interface(one).network for one in addresses]
    theirs = [ipaddress.ip_network(one, strict=False) for one in networks]
    return [
        f"host network {mine} and {kind} network {other} overlap"
        for mine in own
        for other in theirs
        if mine.version == other.version and mine.overlaps(other) and not mine.subnet_of(other)  # type: ignore[arg-type]
    ]


def inside(addresses: Iterable[str], networks: Iterable[str], kind: str) -> list[str]:
    """The node's addresses that lie in one of Kubernetes' networks."""
    theirs = [ipaddress.ip_network(one, strict=False) for one in networks]
    return [
        f"host address {one} is in {kind} network {other}"
        for one in addresses
        for other in theirs
        if ipaddress.ip_interface(one).ip in other
    ]


class DiagnosticsController(controller.Controller):
    """Publishes what is wrong now; a warning goes with its cause."""

    inputs = (
        controller.weak(MachineConfig, id=ACTIVE_ID),
        controller.weak(NodeAddress),
    )
    outputs = (controller.exclusive(Diagnostic),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Look at the addresses that are the machine's own, without those of pods."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        if active is None or active.documents.v1alpha1 is None:
            return
        routed = await r.find(NodeAddress, f"{NODE_ADDRESS_ROUTED_ID}-no-k8s")
        current = routed or await r.find(NodeAddress, NODE_ADDRESS_ROUTED_ID)
        networks = views.kubernetes_network(active.documents)
        if current is None:
            return
        details: list[str] = []
        for kind, subnets in (("pod", networks.pod_subnets), ("service", networks.service_subnets)):
            details += inside(current.spec.addresses, subnets, kind)
            details += overlaps(current.spec.addresses, subnets, kind)
        if details:
            message = "addresses of the machine and of Kubernetes overlap"
            await r.put(Diagnostic(OVERLAP_ID, Diagnostic.Spec(message=message, details=tuple(sorted(set(details))))))
