"""Links from the configuration; without one, the loopback link and the machine's Ethernet ports are up."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.controllers.network import _config, _device_specs, _devices, _merging, _texts
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.link_spec import LinkSpec
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.types import network

_ALWAYS_UP = (network.LinkType.LOOPBCK, network.LinkType.ETHER)


class LinkConfigController(controller.Controller):
    """Writes the layers `default` and `configuration`."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID), controller.weak(LinkStatus))
    outputs = (controller.shared(LinkSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Ports are brought up so that what is plugged in can be seen; links of a kind belong to whoever made them."""
        present = {one.id: one.spec for one in await r.list(LinkStatus)}
        devices = _devices.devices(await _config.active(r), present)
        configured = _device_specs.links(devices)
        names = {spec.name for spec in configured}
        for name, link in present.items():
            if link.kind == "" and link.type in _ALWAYS_UP and name not in names:
                layer = network.ConfigLayer.DEFAULT
                await self._put(r, LinkSpec.Spec(name=name, up=True, type=link.type, config_layer=layer))
        for spec in configured:
            await self._put(r, spec)

    async def _put(self, r: controller.Handle, spec: LinkSpec.Spec) -> None:
        await r.put(LinkSpec(_texts.layered(spec.config_layer, spec.name), spec, namespace=_merging.CONFIG_NAMESPACE))
