"""Runs the operators: DHCPv4 clients and elections of shared addresses, and what they learn as specs of their layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from talos.base import tasks
from talos.cosi import controller, resource
from talos.machinery.resources.network.address_spec import AddressSpec
from talos.machinery.resources.network.hostname_spec import HostnameSpec
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.resources.network.operator_spec import OperatorSpec
from talos.machinery.resources.network.resolver_spec import ResolverSpec
from talos.machinery.resources.network.route_spec import RouteSpec
from talos.machinery.resources.network.time_server_spec import TimeServerSpec
from talos.machinery.types import network

if TYPE_CHECKING:
    from talos.machined.controllers.network import _dhcp4_client, _vip

    Settings = _dhcp4_client.Settings | _vip.Settings
    Client = _dhcp4_client.Client | _vip.Client


def _etcd() -> _vip.Candidate:
    from talos.k8s.etcd import client

    return client.Client.local()


def _settings(spec: OperatorSpec.Spec, link: LinkStatus.Spec) -> Settings | None:
    """What an operator needs; its module is loaded only on nodes that have one."""
    if spec.operator is network.Operator.DHCP4:
        from talos.machined.controllers.network import _dhcp4_client

        return _dhcp4_client.Settings(spec.link_name, link.hardware_addr, link.index, spec.dhcp4)
    if spec.operator is network.Operator.VIP:
        from talos.machined.controllers.network import _vip

        return _vip.Settings(spec.link_name, link.hardware_addr, spec.vip.ip, spec.vip.gratuitous_arp)
    return None


class OperatorSpecController(controller.Controller):
    """Operators follow the merged specs and the links; specs follow what they found out, and go with them."""

    inputs = (controller.weak(OperatorSpec), controller.weak(LinkStatus))
    outputs = (
        controller.shared(AddressSpec),
        controller.shared(RouteSpec),
        controller.shared(ResolverSpec),
        controller.shared(TimeServerSpec),
        controller.shared(HostnameSpec),
    )

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        self._owners: dict[str, tasks.Owner] = {}
        self._etcd: Callable[[], _vip.Candidate] = _etcd

    async def run(self, r: controller.Handle) -> None:
        """As usual; the clients end with the controller."""
        try:
            await super().run(r)
        finally:
            for id in list(self._clients):
                await self._stop(id)

    async def reconcile(self, r: controller.Handle) -> None:
        """Start, stop, report."""
        links = {one.id: one.spec for one in await r.list(LinkStatus)}
        wanted: dict[str, Settings] = {}
        for one in await r.list(OperatorSpec):
            link = links.get(one.spec.link_name)
            if link is None or (one.spec.require_up and not link.link_state):
                continue
            settings = _settings(one.spec, link)
            if settings is not None:
                wanted[one.id] = settings
        for id, running in list(self._clients.items()):
            if wanted.get(id) != running.settings:
                await self._stop(id)
        for id, settings in wanted.items():
            if id not in self._clients:
                self._start(r, id, settings)
        for client in self._clients.values():
            for spec in self._specs(client):
                await r.put(spec)

    def _specs(self, client: Client) -> list[resource.Resource[Any]]:
        from talos.machined.controllers.network import _dhcp4_client

        if not isinstance(client, _dhcp4_client.Client):
            return client.specs()
        if client.lease is None:
            return []
        return _dhcp4_client.specs(client.settings.link, client.lease, client.settings.options)

    def _start(self, r: controller.Handle, id: str, settings: Settings) -> None:
        from talos.machined.controllers.network import _dhcp4_client

        client: Client
        if isinstance(settings, _dhcp4_client.Settings):
            client = _dhcp4_client.Client(settings, r.wake, r.log)
        else:
            from talos.machined.controllers.network import _vip

            client = _vip.Client(settings, self._etcd, r.wake, r.log)
        self._clients[id] = client
        owner = self._owners[id] = tasks.Owner(f"operator {id}", r.log)
        owner.spawn(client.run(), "client")

    async def _stop(self, id: str) -> None:
        del self._clients[id]
        await self._owners.pop(id).close()
