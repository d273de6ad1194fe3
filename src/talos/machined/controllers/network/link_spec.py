"""Makes and configures links as the merged specs want."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from talos.cosi import controller
from talos.linux import netlink
from talos.linux.netlink import monitor
from talos.machined.controllers.network import _applier, _link_plan
from talos.machinery.resources.network.link_spec import LinkSpec


class LinkSpecController(_applier.Applier):
    """Creates, changes and deletes links."""

    kind = LinkSpec
    inputs = (controller.strong(LinkSpec),)
    groups = monitor.LINKS

    def plan(
        self, rt: netlink.Route, running: Sequence[LinkSpec.Spec], removed: Sequence[LinkSpec.Spec]
    ) -> Sequence[_link_plan.Op]:
        """Compare with all links, by name and alternative names."""
        if not running and not removed:
            return []
        current = {link.name: link for link in rt.links()}
        return _link_plan.plan(current, running, removed)

    def apply(self, rt: netlink.Route, op: _link_plan.Op) -> None:
        """One step."""
        match op:
            case _link_plan.Create(name=name, kind="veth", peer=peer):
                rt.link_add_veth(name, peer)
            case _link_plan.Create(name=name, kind=kind, data=data, parent=parent):
                settings: dict[str, Any] = {"parent": parent} if parent else {}
                rt.link_add(name, kind, data=data, **settings)
            case _link_plan.Delete(name=name):
                rt.link_delete(name, missing_ok=True)
            case _link_plan.SetData(name=name, kind=kind, data=data):
                rt.link_set_data(name, kind, data)
            case _link_plan.Set(name=name, settings=changes):
                released: dict[str, Any] = {"master": 0} if changes.get("master") == "" else {}
                rt.link_set(name, **{**changes, **released})
