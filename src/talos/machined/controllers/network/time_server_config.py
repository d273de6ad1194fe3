"""Time servers from the configuration, and a public one for nodes that nobody gives any."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.controllers.network import _config, _merging, _texts
from talos.machinery.config import views
from talos.machinery.config.views.machine import DEFAULT_TIME_SERVERS
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.time_server_spec import TIME_SERVER_ID, TimeServerSpec
from talos.machinery.types import network


class TimeServerConfigController(controller.Controller):
    """Writes the layers `default` and `configuration`."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.shared(TimeServerSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """The default is always there: merging decides."""
        config = await _config.active(r)
        wanted = views.time_sync(config)
        default = TimeServerSpec.Spec(ntp_servers=DEFAULT_TIME_SERVERS, config_layer=network.ConfigLayer.DEFAULT)
        await self._put(r, default)
        if wanted.servers:
            layer = network.ConfigLayer.MACHINE_CONFIGURATION
            await self._put(
                r, TimeServerSpec.Spec(ntp_servers=wanted.servers, use_nts=_config.use_nts(config), config_layer=layer)
            )

    async def _put(self, r: controller.Handle, spec: TimeServerSpec.Spec) -> None:
        id = _texts.layered(spec.config_layer, TIME_SERVER_ID)
        await r.put(TimeServerSpec(id, spec, namespace=_merging.CONFIG_NAMESPACE))
