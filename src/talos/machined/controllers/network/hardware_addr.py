"""The node's first hardware address, which names it towards DHCP servers and KubeSpan."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.resources.network.hardware_address import HardwareAddress
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.types import network

FIRST_ID = "first"
_NO_ADDRESS = "00:00:00:00:00:00"


def is_physical(spec: LinkStatus.Spec) -> bool:
    """An Ethernet port of the machine; in a container the end of the pair it was given."""
    return spec.type is network.LinkType.ETHER and spec.kind in ("", "veth") and bool(spec.permanent_addr)


class HardwareAddrController(controller.Controller):
    """Picks the physical link with the smallest name."""

    inputs = (controller.weak(LinkStatus),)
    outputs = (controller.exclusive(HardwareAddress),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One output at most."""
        for link in await r.list(LinkStatus):
            address = link.spec.permanent_addr
            if is_physical(link.spec) and address != _NO_ADDRESS:
                await r.put(HardwareAddress(FIRST_ID, HardwareAddress.Spec(name=link.id, hardware_addr=address)))
                return
