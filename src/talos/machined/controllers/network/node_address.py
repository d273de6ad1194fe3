"""The addresses of the node, in the views other controllers ask for.

`default` is one address that stays while it exists; `current` are those of links that are up; `routed` are the current
ones without addresses that only the outside world sees; `accumulative` is all that was ever seen. Each of the last
three exists once more per NodeAddressFilter as `<view>-<filter>`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from talos.cosi import controller
from talos.machined.controllers.network import _address_order as order
from talos.machinery.resources.network import node_address as resources
from talos.machinery.resources.network.address_status import AddressStatus
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.resources.network.node_address import NodeAddress
from talos.machinery.resources.network.node_address_filter import NodeAddressFilter
from talos.machinery.resources.network.node_address_sort_algorithm import (
    NODE_ADDRESS_SORT_ALGORITHM_ID,
    NodeAddressSortAlgorithm,
)
from talos.machinery.types import network

EXTERNAL_LINK = "external"
"""Link name of addresses the node does not have itself, such as the public one of a NAT."""

_UP = (network.OperationalState.UP, network.OperationalState.UNKNOWN)
_POD_LINKS = ("cni", "flannel", "kube-", "cilium", "lxc", "cali", "docker")
_MACHINE_FILTER = "no-k8s"


@dataclass(slots=True)
class Views:
    """What was found in one look."""

    default: order.Interface | None = None
    current: list[order.Interface] = field(default_factory=list)
    routed: list[order.Interface] = field(default_factory=list)


def collect(
    addresses: Sequence[AddressStatus.Spec], links_up: frozenset[int], algorithm: network.AddressSortAlgorithm
) -> Views:
    """The views of these addresses.

    The default is the first address of the link that comes first by name; links of a pod network come last, or a
    restart beside running pods would take the address of their bridge.
    """
    views = Views()
    candidates: list[tuple[tuple[bool, str], order.Interface]] = []
    for address in addresses:
        interface = ipaddress.ip_interface(address.address)
        if not order.countable(interface, address.scope) or order.is_siderolink(interface):
            continue
        external = address.link_name == EXTERNAL_LINK
        if not external:
            name = address.link_name
            candidates.append(((name.startswith(_POD_LINKS), name), interface))
        if external or address.link_index in links_up:
            views.current.append(interface)
            if not external:
                views.routed.append(interface)
    if candidates:
        first = min(name for name, _ in candidates)
        views.default = order.ordered((i for name, i in candidates if name == first), algorithm)[0]
    views.current = order.ordered(views.current, algorithm)
    views.routed = order.ordered(views.routed, algorithm)
    return views


def keep_default(
    old: NodeAddress.Spec | None,
    views: Views,
    algorithm: network.AddressSortAlgorithm,
    machine: Sequence[NodeAddressFilter] = (),
) -> order.Interface | None:
    """The old default while the node still has it, the order is the same and it is no pod's; else the new one.

    `machine` is the filter that leaves out pod and service addresses, if there is one yet.
    """
    if old and old.addresses and old.sort_algorithm is algorithm:
        before = ipaddress.ip_interface(old.addresses[0])
        passed = all(order.filtered([before], f.spec.include_subnets, f.spec.exclude_subnets) for f in machine)
        if before in views.current and passed:
            return before
    return views.default


class NodeAddressController(controller.Controller):
    """Publishes NodeAddress: default, current, routed, accumulative, and the filtered ones."""

    inputs = (
        controller.weak(AddressStatus),
        controller.weak(LinkStatus),
        controller.weak(NodeAddressFilter),
        controller.weak(NodeAddressSortAlgorithm),
    )
    outputs = (controller.exclusive(NodeAddress),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Compute all views anew; only the default and the accumulative one look at what was."""
        algorithm = network.AddressSortAlgorithm.V1
        if chosen := await r.find(NodeAddressSortAlgorithm, NODE_ADDRESS_SORT_ALGORITHM_ID):
            algorithm = chosen.spec.algorithm
        up = frozenset(link.spec.index for link in await r.list(LinkStatus) if link.spec.operational_state in _UP)
        views = collect([one.spec for one in await r.list(AddressStatus)], up, algorithm)
        old = await r.find(NodeAddress, resources.NODE_ADDRESS_DEFAULT_ID)
        filters = await r.list(NodeAddressFilter)
        machine = [one for one in filters if one.id == _MACHINE_FILTER]
        default = keep_default(old.spec if old else None, views, algorithm, machine)
        if default is not None:
            await self._put(r, resources.NODE_ADDRESS_DEFAULT_ID, [default], algorithm)
        await self._put_filtered(r, resources.NODE_ADDRESS_CURRENT_ID, views.current, filters, algorithm)
        await self._put_filtered(r, resources.NODE_ADDRESS_ROUTED_ID, views.routed, filters, algorithm)
        await self._accumulate(r, views.current, filters, algorithm)

    async def _put(
        self,
        r: controller.Handle,
        id: str,
        interfaces: Sequence[order.Interface],
        algorithm: network.AddressSortAlgorithm,
    ) -> None:
        spec = NodeAddress.Spec(addresses=tuple(str(one) for one in interfaces), sort_algorithm=algorithm)
        await r.put(NodeAddress(id, spec))

    async def _put_filtered(
        self,
        r: controller.Handle,
        view: str,
        interfaces: Sequence[order.Interface],
        filters: Sequence[NodeAddressFilter],
        algorithm: network.AddressSortAlgorithm,
    ) -> None:
        await self._put(r, view, interfaces, algorithm)
        for one in filters:
            passed = order.filtered(interfaces, one.spec.include_subnets, one.spec.exclude_subnets)
            await self._put(r, f"{view}-{one.id}", passed, algorithm)

    async def _accumulate(
        self,
        r: controller.Handle,
        current: Sequence[order.Interface],
        filters: Sequence[NodeAddressFilter],
        algorithm: network.AddressSortAlgorithm,
    ) -> None:
        view = resources.NODE_ADDRESS_ACCUMULATIVE_ID
        old = await r.find(NodeAddress, view)
        before = [ipaddress.ip_interface(one) for one in old.spec.addresses] if old else []
        await self._put_filtered(r, view, order.ordered([*current, *before], algorithm), filters, algorithm)
