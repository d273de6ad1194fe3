"""What to do so that the kernel has the routes their specs want. Pure."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from talos.linux.netlink.route import NextHop, Route
from talos.machinery.resources.network.route_spec import RouteSpec
from talos.machinery.types import network

_KERNEL = network.RouteProtocol.KERNEL.number


@dataclass(frozen=True, slots=True)
class Put:
    """Add a route, or replace the one with its destination, table and priority."""

    route: Route


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a route."""

    route: Route


Op = Put | Delete
_Key = tuple[int, object, int, int, int]


def wanted(spec: RouteSpec.Spec, links: Mapping[str, int]) -> Route | None:
    """The route of a spec; None while a link it names is not there."""
    family = spec.family.number
    index = links.get(spec.out_link_name, 0)
    if spec.out_link_name and not index:
        return None
    hops = []
    for hop in spec.next_hops:
        hop_index = links.get(hop.out_link_name, 0)
        if hop.out_link_name and not hop_index:
            return None
        gateway = ipaddress.ip_address(hop.gateway) if hop.gateway else None
        hops.append(NextHop(hop_index, gateway, hop.weight or 1))
    return Route(
        family=family,
        destination=ipaddress.ip_network(spec.destination) if spec.destination else None,
        gateway=ipaddress.ip_address(spec.gateway) if spec.gateway else None,
        index=index,
        table=spec.table.number or network.RoutingTable.MAIN.number,
        type=spec.type.number or network.RouteType.UNICAST.number,
        protocol=spec.protocol.number,
        scope=spec.scope.number,
        priority=spec.priority,
        preferred_source=ipaddress.ip_address(spec.source) if spec.source else None,
        mtu=spec.mtu,
        next_hops=tuple(hops),
    )


def _key(route: Route) -> _Key:
    """What the kernel tells routes apart by; IPv6 also by gateway and link."""
    via = hash((route.gateway, route.index)) if route.family == network.Family.INET6.number else 0
    return (route.family, route.destination, route.table, route.priority, via)


def _same(found: Route, target: Route) -> bool:
    ignored: dict[str, Any] = {
        "flags": target.flags,
        "preference": target.preference,
        "tos": target.tos,
        "advmss": target.advmss,
    }
    if not target.index or target.next_hops:
        ignored["index"] = target.index
    if target.preferred_source is None:
        ignored["preferred_source"] = None
    if target.family == network.Family.INET6.number:
        ignored["scope"] = target.scope
    plain = tuple(dataclasses.replace(hop, flags=NextHop().flags) for hop in found.next_hops)
    return dataclasses.replace(found, next_hops=plain, **ignored) == target


def plan(
    links: Mapping[str, int],
    current: Iterable[Route],
    running: Sequence[RouteSpec.Spec],
    removed: Sequence[RouteSpec.Spec],
) -> list[Op]:
    """Deletions first. Routes of the kernel and of others are left alone."""
    present = {_key(one): one for one in current if one.protocol != _KERNEL}
    targets = [route for spec in running if (route := wanted(spec, links)) is not None]
    kept = {_key(one) for one in targets}
    ops: list[Op] = []
    for spec in removed:
        route = wanted(spec, links)
        if route is not None and _key(route) in present and _key(route) not in kept:
            ops.append(Delete(present[_key(route)]))
    for target in targets:
        found = present.get(_key(target))
        if found is None or not _same(found, target):
            ops.append(Put(target))
    return ops
