"""Addresses the kernel has, as AddressStatus: one resource per link and address."""

from __future__ import annotations

from talos.cosi import controller
from talos.linux.netlink import address as netlink_address
from talos.linux.netlink import monitor
from talos.machined.controllers.network import _observer, _texts
from talos.machinery.resources.network.address_status import AddressStatus
from talos.machinery.types import network


def status_id(link_name: str, address: netlink_address.Address) -> str:
    """`eth0/10.5.0.2/24`."""
    return f"{link_name}/{address.interface}"


def spec(link_name: str, address: netlink_address.Address) -> AddressStatus.Spec:
    """The resource for one address."""
    return AddressStatus.Spec(
        address=str(address.interface),
        local=str(address.ip),
        broadcast=_texts.text(address.broadcast),
        anycast=_texts.text(address.anycast),
        multicast=_texts.text(address.multicast),
        link_index=address.index,
        link_name=link_name,
        family=_texts.family_of(address.ip),
        scope=network.Scope.from_number(address.scope),
        flags=_texts.address_flags(address.flags),
        priority=address.priority,
    )


class AddressStatusController(_observer.Observer):
    """Reports the addresses of all links."""

    outputs = (controller.shared(AddressStatus),)
    groups = monitor.LINKS + monitor.ADDRESSES

    async def reconcile(self, r: controller.Handle) -> None:
        """Look at all addresses anew."""
        with self.connect() as rt:
            names = {link.index: link.name for link in rt.links()}
            addresses = rt.addresses()
        for address in addresses:
            name = names.get(address.index)
            if name is not None:
                await r.put(AddressStatus(status_id(name, address), spec(name, address)))
