"""Names of the configuration's own for links that are found by their properties."""

from __future__ import annotations

from collections.abc import Mapping

from talos.base import errors
from talos.cosi import controller
from talos.machined.controllers.network import _config, hardware_addr
from talos.machined.modes import Mode
from talos.machinery.config import container
from talos.machinery.config.documents.network.link_alias import LinkAliasConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.link_alias_spec import LinkAliasSpec
from talos.machinery.resources.network.link_status import LinkStatus

_NUMBER = "%d"


def plan(config: container.Container, links: Mapping[str, LinkStatus.Spec]) -> tuple[dict[str, str], list[str]]:
    """Link -> name, and what is wrong. `links` are the machine's own ports.

    A port has one name: that of the first document that selects it. Numbers follow the hardware addresses, so that
    they stay when the kernel finds the ports in another order.
    """
    from talos.machinery import cel

    found: dict[str, str] = {}
    problems: list[str] = []
    ordered = sorted(links.items(), key=lambda one: (one[1].permanent_addr or one[1].hardware_addr, one[0]))
    for document in config.all(LinkAliasConfig):
        expression = document.selector.match if document.selector is not None else ""
        try:
            matching = [name for name, link in ordered if cel.matches(expression, "link", {"link": link})]
        except (cel.ExpressionError, cel.EvaluationError) as error:
            problems.append(f"{document.name}: {error}")
            continue
        free = [name for name in matching if name not in found]
        if document.name.endswith(_NUMBER):
            prefix = document.name.removesuffix(_NUMBER)
            found |= {name: f"{prefix}{number}" for number, name in enumerate(free)}
        elif len(matching) > 1:
            problems.append(f"{document.name}: selects {', '.join(matching)}, and has to select one link")
        elif free:
            found[free[0]] = document.name
    return found, problems


class LinkAliasConfigController(controller.Controller):
    """One spec for each link that has a name; the id is the link's."""

    modes = Mode.MACHINE
    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID), controller.weak(LinkStatus))
    outputs = (controller.exclusive(LinkAliasSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow documents and ports; what is right takes effect whatever else is wrong."""
        config = await _config.active(r)
        if not config.all(LinkAliasConfig):
            return
        statuses = {one.id: one.spec for one in await r.list(LinkStatus)}
        ports = {id: one for id, one in statuses.items() if one.kind == "" and hardware_addr.is_physical(one)}
        names, problems = plan(config, ports)
        for link, alias in names.items():
            if alias in statuses:
                problems.append(f"{alias}: a link has that name already")
                continue
            await r.put(LinkAliasSpec(link, LinkAliasSpec.Spec(alias=alias)))
        if problems:
            raise errors.Invalid("link aliases: " + "; ".join(problems))
