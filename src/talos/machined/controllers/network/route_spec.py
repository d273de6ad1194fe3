"""Gives the kernel the routes the merged specs want."""

from __future__ import annotations

from collections.abc import Sequence

from talos.cosi import controller
from talos.linux import netlink
from talos.linux.netlink import monitor
from talos.machined.controllers.network import _applier, _route_plan
from talos.machinery.resources.network.route_spec import RouteSpec


class RouteSpecController(_applier.Applier):
    """Puts and deletes routes."""

    kind = RouteSpec
    inputs = (controller.strong(RouteSpec),)
    groups = monitor.LINKS + monitor.ADDRESSES + monitor.ROUTES

    def plan(
        self, rt: netlink.Route, running: Sequence[RouteSpec.Spec], removed: Sequence[RouteSpec.Spec]
    ) -> Sequence[_route_plan.Op]:
        """Compare with the routes of all tables."""
        if not running and not removed:
            return []
        links = {link.name: link.index for link in rt.links()}
        return _route_plan.plan(links, rt.routes(), running, removed)

    def apply(self, rt: netlink.Route, op: _route_plan.Op) -> None:
        """One route."""
        if isinstance(op, _route_plan.Delete):
            rt.route_delete(op.route, missing_ok=True)
        else:
            rt.route_replace(op.route)
