"""Resolvers from the configuration, and public ones for nodes that nobody gives any."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.controllers.network import _config, _merging, _texts
from talos.machinery.config import views
from talos.machinery.config.views.machine import DEFAULT_NAMESERVERS
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.hostname_spec import HOSTNAME_ID
from talos.machinery.resources.network.hostname_status import HostnameStatus
from talos.machinery.resources.network.resolver_spec import RESOLVER_ID, NameServerSpec, ResolverSpec
from talos.machinery.types import network


class ResolverConfigController(controller.Controller):
    """Writes the layers `default` and `configuration`."""

    inputs = (
        controller.weak(MachineConfig, id=ACTIVE_ID),
        controller.weak(HostnameStatus, id=HOSTNAME_ID),
    )
    outputs = (controller.shared(ResolverSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """The domain of the host name is searched unless the configuration says otherwise."""
        config = await _config.active(r)
        wanted, servers = views.resolvers(config), _config.name_servers(config)
        hostname = await r.find(HostnameStatus, HOSTNAME_ID)
        own_domain = hostname.spec.domainname if hostname else ""
        search = (own_domain,) if own_domain and not wanted.disable_search_domain else ()
        defaults = tuple(NameServerSpec(addr=one) for one in DEFAULT_NAMESERVERS)
        await self._put(r, network.ConfigLayer.DEFAULT, defaults, search)
        if servers or wanted.search_domains:
            await self._put(r, network.ConfigLayer.MACHINE_CONFIGURATION, servers, wanted.search_domains)

    async def _put(
        self,
        r: controller.Handle,
        layer: network.ConfigLayer,
        servers: tuple[NameServerSpec, ...],
        search: tuple[str, ...],
    ) -> None:
        spec = ResolverSpec.Spec(
            dns_servers=tuple(one.addr for one in servers),
            name_servers=servers,
            search_domains=search,
            config_layer=layer,
        )
        await r.put(ResolverSpec(_texts.layered(layer, RESOLVER_ID), spec, namespace=_merging.CONFIG_NAMESPACE))
