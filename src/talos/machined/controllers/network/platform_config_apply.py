"""The platform's network configuration becomes specs of the layer `platform`."""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec

from talos.cosi import controller, resource
from talos.machined.controllers.network import _merging, _texts
from talos.machinery.resources.network.address_spec import AddressSpec
from talos.machinery.resources.network.address_status import AddressStatus
from talos.machinery.resources.network.hostname_spec import HOSTNAME_ID, HostnameSpec
from talos.machinery.resources.network.link_spec import LinkSpec
from talos.machinery.resources.network.operator_spec import OperatorSpec
from talos.machinery.resources.network.platform_config import (
    PLATFORM_CONFIG_ACTIVE_ID,
    PLATFORM_CONFIG_CACHED_ID,
    PlatformConfig,
)
from talos.machinery.resources.network.resolver_spec import RESOLVER_ID, ResolverSpec
from talos.machinery.resources.network.route_spec import RouteSpec
from talos.machinery.resources.network.time_server_spec import TIME_SERVER_ID, TimeServerSpec
from talos.machinery.types import network

_EXTERNAL_LINK = "external"
_LAYER = network.ConfigLayer.PLATFORM


class PlatformConfigApplyController(controller.Controller):
    """Writes the specs of the active platform configuration, or of the cached one until there is an active one."""

    inputs = (controller.weak(PlatformConfig),)
    outputs = (
        controller.shared(AddressSpec),
        controller.shared(LinkSpec),
        controller.shared(RouteSpec),
        controller.shared(HostnameSpec),
        controller.shared(ResolverSpec),
        controller.shared(TimeServerSpec),
        controller.shared(OperatorSpec),
        controller.shared(AddressStatus),
    )

    async def reconcile(self, r: controller.Handle) -> None:
        """One resource per spec."""
        config = await r.find(PlatformConfig, PLATFORM_CONFIG_ACTIVE_ID)
        config = config or await r.find(PlatformConfig, PLATFORM_CONFIG_CACHED_ID)
        if config is None:
            return
        spec = config.spec
        for link in spec.links:
            await self._put(r, LinkSpec, link.name, link)
        for address in spec.addresses:
            await self._put(r, AddressSpec, f"{address.link_name}/{address.address}", address)
        for route in spec.routes:
            await self._put(r, RouteSpec, _texts.route_id(route), route)
        for hostname in spec.hostnames[:1]:
            await self._put(r, HostnameSpec, HOSTNAME_ID, hostname)
        for resolver in spec.resolvers[:1]:
            await self._put(r, ResolverSpec, RESOLVER_ID, resolver)
        for servers in spec.time_servers[:1]:
            await self._put(r, TimeServerSpec, TIME_SERVER_ID, servers)
        for operator in spec.operators:
            await self._put(r, OperatorSpec, f"{operator.operator}/{operator.link_name}", operator)
        for ip in spec.external_ips:
            interface = ipaddress.ip_interface(ip)
            status = AddressStatus.Spec(
                address=str(interface),
                local=ip,
                link_name=_EXTERNAL_LINK,
                family=_texts.family_of(interface),
                scope=network.Scope.GLOBAL,
            )
            await r.put(AddressStatus(f"{_EXTERNAL_LINK}/{interface}", status))

    async def _put(self, r: controller.Handle, cls: type[resource.Resource[Any]], id: str, spec: Any) -> None:
        layered = msgspec.structs.replace(spec, config_layer=_LAYER)
        await r.put(cls(_texts.layered(_LAYER, id), layered, namespace=_merging.CONFIG_NAMESPACE))
