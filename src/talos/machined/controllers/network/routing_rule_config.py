"""Routing rules from the configuration."""

from __future__ import annotations

import ipaddress

from talos.cosi import controller
from talos.machined.controllers.network import _config, _device_specs, _merging, _texts
from talos.machinery.config.documents.network.routing_rule import RoutingRuleConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.routing_rule_spec import RoutingRuleSpec
from talos.machinery.types import network

_UNICAST = network.RoutingRuleAction.UNICAST


def specs(document: RoutingRuleConfig) -> list[RoutingRuleSpec.Spec]:
    """The rule of a document: for the family of its prefixes, for both families when it names none."""
    prefixes = [ipaddress.ip_network(one) for one in (document.src, document.dst) if one]
    families = {network.Family.INET4 if one.version == 4 else network.Family.INET6 for one in prefixes}
    action = network.RoutingRuleAction.from_text(document.action) if document.action else _UNICAST
    return [
        RoutingRuleSpec.Spec(
            family=family,
            src=document.src,
            dst=document.dst,
            table=_device_specs.table(str(document.table)) if action is _UNICAST else network.RoutingTable.UNSPEC,
            priority=int(document.name),
            action=action,
            iif_name=document.iif_name,
            oif_name=document.oif_name,
            fw_mark=document.fw_mark,
            fw_mask=document.fw_mask,
            config_layer=_device_specs.LAYER,
        )
        for family in sorted(families or {network.Family.INET4, network.Family.INET6})
    ]


class RoutingRuleConfigController(controller.Controller):
    """Writes the layer `configuration`."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.shared(RoutingRuleSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One or two specs per document."""
        config = await _config.active(r)
        for document in config.all(RoutingRuleConfig):
            for spec in specs(document):
                id = _texts.layered(spec.config_layer, f"{spec.family}/{spec.priority:05d}")
                await r.put(RoutingRuleSpec(id, spec, namespace=_merging.CONFIG_NAMESPACE))
