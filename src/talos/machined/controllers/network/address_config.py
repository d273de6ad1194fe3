"""Addresses from the configuration, and those of the loopback link."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.controllers.network import _config, _device_specs, _devices, _merging, _texts
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.address_spec import AddressSpec
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.types import network

_LOOPBACK = (("127.0.0.1/8", network.Family.INET4), ("::1/128", network.Family.INET6))


class AddressConfigController(controller.Controller):
    """Writes the layers `default` and `configuration`."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID), controller.weak(LinkStatus))
    outputs = (controller.shared(AddressSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Every address of every configured device."""
        for address, family in _LOOPBACK:
            spec = AddressSpec.Spec(
                address=address,
                link_name="lo",
                family=family,
                scope=network.Scope.HOST,
                flags="permanent",
                config_layer=network.ConfigLayer.DEFAULT,
            )
            await self._put(r, spec)
        present = {one.id: one.spec for one in await r.list(LinkStatus)}
        for spec in _device_specs.addresses(_devices.devices(await _config.active(r), present)):
            await self._put(r, spec)

    async def _put(self, r: controller.Handle, spec: AddressSpec.Spec) -> None:
        id = _texts.layered(spec.config_layer, f"{spec.link_name}/{spec.address}")
        await r.put(AddressSpec(id, spec, namespace=_merging.CONFIG_NAMESPACE))
