"""Specs of all layers merged into the one to apply. A route is a unit: the highest layer that has it says how."""

from __future__ import annotations

from talos.machined.controllers.network import _merging
from talos.machinery.resources.network.route_spec import RouteSpec


class RouteMergeController(_merging.LayerMerge[RouteSpec]):
    """Merges RouteSpec of all layers."""

    kind = RouteSpec
