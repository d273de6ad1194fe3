"""Which addresses the kubelet gives the node: at most one of each family."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from talos.base import errors
from talos.cosi import controller
from talos.k8s import network
from talos.machinery.resources.k8s import kubelet_config, node_ip, node_ip_config
from talos.machinery.resources.network import node_address

_ADDRESSES = "routed-no-k8s"


def pick(addresses: Sequence[str], valid: Sequence[str], excluded: Sequence[str]) -> tuple[str, ...]:
    """Return the first fitting IPv4 and the first fitting IPv6 address, in the order of the node's addresses."""
    subnets = [*valid, *(f"!{subnet}" for subnet in excluded)]
    found: dict[int, str] = {}
    for text in addresses:
        address = ipaddress.ip_interface(text).ip
        if network.within(address, subnets):
            found.setdefault(address.version, str(address))
    return tuple(found.values())


class NodeIPController(controller.Controller):
    """Pick the node's addresses."""

    inputs = (
        controller.weak(node_ip_config.NodeIPConfig, id=kubelet_config.KUBELET_ID),
        controller.weak(node_address.NodeAddress, id=_ADDRESSES),
    )
    outputs = (controller.exclusive(node_ip.NodeIP),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the picked addresses. Raises NotReady as long as none fits, which keeps the last ones."""
        config = await r.find(node_ip_config.NodeIPConfig, kubelet_config.KUBELET_ID)
        addresses = await r.find(node_address.NodeAddress, _ADDRESSES)
        if config is None:
            return
        if addresses is None:
            raise errors.NotReady("addresses are not known")
        picked = pick(addresses.spec.addresses, config.spec.valid_subnets, config.spec.exclude_subnets)
        if not picked:
            r.log.warning("none of the node's addresses fits the subnets given for the kubelet's node IP")
            raise errors.NotReady("no fitting address")
        await r.put(node_ip.NodeIP(kubelet_config.KUBELET_ID, node_ip.NodeIP.Spec(addresses=picked)))
