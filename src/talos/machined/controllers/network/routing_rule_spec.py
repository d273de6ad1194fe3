"""Gives the kernel the routing rules the merged specs want."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from talos.cosi import controller
from talos.linux import netlink
from talos.linux.netlink import monitor
from talos.linux.netlink.route import Rule
from talos.machined.controllers.network import _applier
from talos.machinery.resources.network.routing_rule_spec import RoutingRuleSpec
from talos.machinery.types import network

_WHOLE_MARK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Add:
    """Add a rule."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a rule."""

    rule: Rule


Op = Add | Delete


def wanted(spec: RoutingRuleSpec.Spec) -> Rule:
    """The rule of a spec."""
    marked = bool(spec.fw_mark or spec.fw_mask)
    return Rule(
        family=spec.family.number,
        priority=spec.priority,
        table=spec.table.number,
        source=ipaddress.ip_network(spec.src) if spec.src else None,
        destination=ipaddress.ip_network(spec.dst) if spec.dst else None,
        in_link=spec.iif_name,
        out_link=spec.oif_name,
        mark=spec.fw_mark if marked else None,
        mask=(spec.fw_mask or _WHOLE_MARK) if marked else None,
        action=spec.action.number or network.RoutingRuleAction.UNICAST.number,
        protocol=network.RouteProtocol.STATIC.number,
    )


def plan(
    current: Iterable[Rule], running: Sequence[RoutingRuleSpec.Spec], removed: Sequence[RoutingRuleSpec.Spec]
) -> list[Op]:
    """Deletions first; a rule at the priority of a wanted one that differs and is ours goes too."""
    present = list(current)
    targets = [wanted(spec) for spec in running]
    places = {(one.family, one.priority) for one in targets}
    unwanted = [wanted(spec) for spec in removed]
    static = network.RouteProtocol.STATIC.number
    replaced = [
        one for one in present if one.protocol == static and (one.family, one.priority) in places and one not in targets
    ]
    gone = [one for one in unwanted if one in present and one not in targets and one not in replaced]
    return [*(Delete(one) for one in (*gone, *replaced)), *(Add(one) for one in targets if one not in present)]


class RoutingRuleSpecController(_applier.Applier):
    """Adds and deletes routing rules."""

    kind = RoutingRuleSpec
    inputs = (controller.strong(RoutingRuleSpec),)
    groups = monitor.RULES

    def plan(
        self, rt: netlink.Route, running: Sequence[RoutingRuleSpec.Spec], removed: Sequence[RoutingRuleSpec.Spec]
    ) -> Sequence[Op]:
        """Compare with the rules of both families."""
        return plan(rt.rules(), running, removed) if running or removed else []

    def apply(self, rt: netlink.Route, op: Op) -> None:
        """One rule."""
        if isinstance(op, Delete):
            rt.rule_delete(op.rule, missing_ok=True)
        else:
            rt.rule_add(op.rule)
