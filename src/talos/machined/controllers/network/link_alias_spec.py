"""Gives links their other names (IFLA_ALT_IFNAME): whatever takes the name of a link then takes these as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.linux import netlink
from talos.linux.netlink import link as links
from talos.linux.netlink import monitor
from talos.machined.controllers.network import _observer
from talos.machined.modes import Mode
from talos.machinery.resources.network.link_alias_spec import LinkAliasSpec


class Change(NamedTuple):
    """A name a link gets or loses."""

    link: int
    name: str
    add: bool


def plan(present: Sequence[links.Link], wanted: dict[str, str], given: dict[str, str]) -> list[Change]:
    """What to do; removals first. `given`: link -> the name we gave it, which is all we take away again."""
    by_name = {one.name: one for one in present}
    changes = [
        Change(by_name[name].index, alias, add=False)
        for name, alias in given.items()
        if name in by_name and alias in by_name[name].alternative_names and wanted.get(name) != alias
    ]
    return changes + [
        Change(by_name[name].index, alias, add=True)
        for name, alias in wanted.items()
        if name in by_name and alias not in by_name[name].alternative_names
    ]


class LinkAliasSpecController(_observer.Observer):
    """Follows the specs and the links: a card that comes back gets its name again."""

    modes = Mode.MACHINE
    inputs = (controller.strong(LinkAliasSpec),)
    groups = monitor.LINKS

    def __init__(self, namespace: netlink.Namespace | None = None) -> None:
        super().__init__(namespace)
        self._given: dict[str, str] = {}

    async def reconcile(self, r: controller.Handle) -> None:
        """Change names, then let go of what is done with."""
        specs = await r.list(LinkAliasSpec)
        wanted = {one.id: one.spec.alias for one in specs if one.metadata.phase is Phase.RUNNING}
        gone = [one for one in specs if one.metadata.phase is not Phase.RUNNING]
        if not specs and not self._given:
            return
        for id in wanted:
            await r.add_finalizer(LinkAliasSpec, id)
        given = {one.id: one.spec.alias for one in gone} | self._given
        with self.connect() as rt:
            for change in plan(rt.links(), wanted, given):
                if change.add:
                    rt.link_add_names(change.link, change.name)
                else:
                    rt.link_delete_names(change.link, change.name)
        self._given = wanted
        for one in gone:
            await r.remove_finalizer(LinkAliasSpec, one.id)
