"""Shared addresses of the configuration, as operators: the document Layer2VIPConfig and `vip` of an interface.

Moving an address through a cloud's API is not there yet; such an address is refused in the log, not half served.
"""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.controllers.network import _config, _devices, _merging, _texts
from talos.machinery.config import container, views
from talos.machinery.config.documents.network.layer2_vip import Layer2VIPConfig
from talos.machinery.config.views.machine import machine_section
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.resources.network.operator_spec import OperatorSpec, VIPOperatorSpec
from talos.machinery.types import network

_LAYER = network.ConfigLayer.MACHINE_CONFIGURATION


def plan(config: container.Container) -> dict[str, str]:
    """Address -> link. Workers take part in no election: they have no etcd."""
    if config.v1alpha1 is None or not views.machine(config).is_control_plane:
        return {}
    found: dict[str, str] = {}
    section = machine_section(config).network
    for device in section.interfaces if section is not None else ():
        below = [(f"{device.interface}.{one.vlan_id}", one.vip) for one in device.vlans]
        for link, vip in [(device.interface, device.vip), *below]:
            if link and vip is not None and vip.ip and vip.hcloud is None and vip.equinix_metal is None:
                found[vip.ip] = link
    return found | {one.name: one.link for one in config.all(Layer2VIPConfig)}


class OperatorVIPConfigController(controller.Controller):
    """Writes the layer `configuration` of OperatorSpec."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID), controller.weak(LinkStatus))
    outputs = (controller.shared(OperatorSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One operator for each address."""
        names = _devices.real_names({one.id: one.spec for one in await r.list(LinkStatus)})
        for ip, named in plan(await _config.active(r)).items():
            link = names.get(named, named)
            spec = OperatorSpec.Spec(
                operator=network.Operator.VIP,
                link_name=link,
                require_up=True,
                vip=VIPOperatorSpec(ip=ip, gratuitous_arp=True),
                config_layer=_LAYER,
            )
            id = _texts.layered(_LAYER, f"vip/{link}/{ip}")
            await r.put(OperatorSpec(id, spec, namespace=_merging.CONFIG_NAMESPACE))
