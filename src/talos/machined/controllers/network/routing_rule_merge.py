"""Specs of all layers merged into the one to apply. A rule is a unit: the highest layer that has it says how."""

from __future__ import annotations

from talos.machined.controllers.network import _merging
from talos.machinery.resources.network.routing_rule_spec import RoutingRuleSpec


class RoutingRuleMergeController(_merging.LayerMerge[RoutingRuleSpec]):
    """Merges RoutingRuleSpec of all layers."""

    kind = RoutingRuleSpec
