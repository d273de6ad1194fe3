"""Routes the kernel has, as RouteStatus."""

from __future__ import annotations

from collections.abc import Mapping

from talos.cosi import controller
from talos.linux.netlink import monitor
from talos.linux.netlink import route as netlink_route
from talos.machined.controllers.network import _observer, _texts
from talos.machinery.resources.network import route_spec
from talos.machinery.resources.network.route_status import RouteStatus
from talos.machinery.types import network


def _table(number: int) -> network.RoutingTable | None:
    """Tables above 255 have no spelling on the wire."""
    return network.RoutingTable.from_number(number) if number < 256 else None


def _hops(route: netlink_route.Route, names: Mapping[int, str]) -> tuple[route_spec.RouteNextHop, ...]:
    return tuple(
        route_spec.RouteNextHop(
            gateway=_texts.text(hop.gateway), out_link_name=names.get(hop.index, ""), weight=hop.weight
        )
        for hop in route.next_hops
    )


def spec(route: netlink_route.Route, names: Mapping[int, str]) -> RouteStatus.Spec | None:
    """The resource for one route, None for one that cannot be written down."""
    table = _table(route.table)
    try:
        protocol = network.RouteProtocol.from_number(route.protocol)
    except ValueError:
        protocol = network.RouteProtocol.UNSPEC
    if table is None:
        return None
    return RouteStatus.Spec(
        family=network.Family.from_number(route.family),
        destination=_texts.text(route.destination),
        source=_texts.text(route.preferred_source),
        gateway=_texts.text(route.gateway),
        out_link_index=route.index,
        out_link_name=names.get(route.index, ""),
        table=table,
        priority=route.priority,
        scope=network.Scope.from_number(route.scope),
        type=network.RouteType.from_number(route.type),
        flags=_texts.route_flags(route.flags),
        protocol=protocol,
        mtu=route.mtu,
        next_hops=_hops(route, names),
    )


class RouteStatusController(_observer.Observer):
    """Reports the routes of all tables that have a name."""

    outputs = (controller.exclusive(RouteStatus),)
    groups = monitor.ROUTES

    async def reconcile(self, r: controller.Handle) -> None:
        """Look at all routes anew."""
        with self.connect() as rt:
            routes = rt.routes()
            names = {link.index: link.name for link in rt.links()}
        for route in routes:
            if (made := spec(route, names)) is not None:
                await r.put(RouteStatus(_texts.route_id(made), made))
