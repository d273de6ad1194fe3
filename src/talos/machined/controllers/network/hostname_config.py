"""Host names from the configuration, and a made-up one for nodes that nobody names."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.controllers.network import _config, _hostnames, _merging, _texts
from talos.machinery.config import views
from talos.machinery.resources.cluster.identity import Identity
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.hostname_spec import HOSTNAME_ID, HostnameSpec
from talos.machinery.resources.network.node_address import NODE_ADDRESS_DEFAULT_ID, NodeAddress
from talos.machinery.types import network

_IDENTITY_ID = "local"


class HostnameConfigController(controller.Controller):
    """Writes the layers `default` and `configuration`."""

    inputs = (
        controller.weak(MachineConfig, id=ACTIVE_ID),
        controller.weak(NodeAddress, id=NODE_ADDRESS_DEFAULT_ID),
        controller.weak(Identity, id=_IDENTITY_ID),
    )
    outputs = (controller.shared(HostnameSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Each layer is there when it has something to say."""
        wanted = views.hostname(await _config.active(r))
        made_up = await self._made_up(r, wanted.auto)
        if made_up:
            await self._put(r, _hostnames.split(made_up, network.ConfigLayer.DEFAULT))
        if wanted.name:
            await self._put(r, _hostnames.split(wanted.name, network.ConfigLayer.MACHINE_CONFIGURATION))

    async def _made_up(self, r: controller.Handle, kind: str) -> str:
        if kind == network.AutoHostnameKind.STABLE:
            identity = await r.find(Identity, _IDENTITY_ID)
            return _hostnames.stable(identity.spec.node_id) if identity else ""
        if kind == network.AutoHostnameKind.ADDR:
            default = await r.find(NodeAddress, NODE_ADDRESS_DEFAULT_ID)
            return _hostnames.from_address(default.spec.addresses[0]) if default and default.spec.addresses else ""
        return ""

    async def _put(self, r: controller.Handle, spec: HostnameSpec.Spec) -> None:
        id = _texts.layered(spec.config_layer, HOSTNAME_ID)
        await r.put(HostnameSpec(id, spec, namespace=_merging.CONFIG_NAMESPACE))
