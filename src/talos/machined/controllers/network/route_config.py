"""Routes from the configuration: those of links, and destinations that are dropped."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.controllers.network import _config, _device_specs, _devices, _merging, _texts
from talos.machinery.config.documents.network.blackhole_route import BlackholeRouteConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.resources.network.route_spec import RouteSpec
from talos.machinery.types import network


class RouteConfigController(controller.Controller):
    """Writes the layer `configuration`."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID), controller.weak(LinkStatus))
    outputs = (controller.shared(RouteSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Every route of every configured device."""
        config = await _config.active(r)
        present = {one.id: one.spec for one in await r.list(LinkStatus)}
        specs = _device_specs.routes(_devices.devices(config, present))
        for document in config.all(BlackholeRouteConfig):
            wanted = _devices.Route(destination=document.name, metric=document.metric)
            specs.append(_device_specs.route(wanted, "", type=network.RouteType.BLACKHOLE))
        for spec in specs:
            id = _texts.layered(spec.config_layer, _texts.route_id(spec))
            await r.put(RouteSpec(id, spec, namespace=_merging.CONFIG_NAMESPACE))
