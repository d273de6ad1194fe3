"""Routing rules the kernel has, as RoutingRuleStatus."""

from __future__ import annotations

from talos.cosi import controller
from talos.linux.netlink import monitor
from talos.linux.netlink import route as netlink_route
from talos.machined.controllers.network import _observer, _texts
from talos.machinery.resources.network.routing_rule_status import RoutingRuleStatus
from talos.machinery.types import network


def spec(rule: netlink_route.Rule) -> RoutingRuleStatus.Spec | None:
    """The resource for one rule, None for one that cannot be written down."""
    try:
        table = network.RoutingTable.from_number(rule.table)
        action = network.RoutingRuleAction.from_number(rule.action)
    except ValueError:
        return None
    return RoutingRuleStatus.Spec(
        family=network.Family.from_number(rule.family),
        src=_texts.text(rule.source),
        dst=_texts.text(rule.destination),
        table=table,
        priority=rule.priority,
        action=action,
        iif_name=rule.in_link,
        oif_name=rule.out_link,
        fw_mark=rule.mark or 0,
        fw_mask=rule.mask or 0,
    )


class RoutingRuleStatusController(_observer.Observer):
    """Reports the routing rules."""

    outputs = (controller.exclusive(RoutingRuleStatus),)
    groups = monitor.RULES

    async def reconcile(self, r: controller.Handle) -> None:
        """Look at all rules anew."""
        with self.connect() as rt:
            rules = rt.rules()
        for rule in rules:
            if (made := spec(rule)) is not None:
                await r.put(RoutingRuleStatus(f"{made.family}/{made.priority:05d}", made))
