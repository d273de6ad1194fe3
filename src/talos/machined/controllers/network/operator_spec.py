"""Runs the operators: a DHCPv4 client per link that wants one, and what they learn as specs of their layer."""

from __future__ import annotations

from talos.base import tasks
from talos.cosi import controller
from talos.machined.controllers.network import _dhcp4_client
from talos.machined.modes import Mode
from talos.machinery.resources.network.address_spec import AddressSpec
from talos.machinery.resources.network.hostname_spec import HostnameSpec
from talos.machinery.resources.network.link_status import LinkStatus
from talos.machinery.resources.network.operator_spec import OperatorSpec
from talos.machinery.resources.network.resolver_spec import ResolverSpec
from talos.machinery.resources.network.route_spec import RouteSpec
from talos.machinery.resources.network.time_server_spec import TimeServerSpec
from talos.machinery.types import network


class OperatorSpecController(controller.Controller):
    """Clients follow the merged specs and the links; specs follow the leases, and go with them."""

    modes = Mode.MACHINE
    inputs = (controller.weak(OperatorSpec), controller.weak(LinkStatus))
    outputs = (
        controller.shared(AddressSpec),
        controller.shared(RouteSpec),
        controller.shared(ResolverSpec),
        controller.shared(TimeServerSpec),
        controller.shared(HostnameSpec),
    )

    def __init__(self) -> None:
        self._clients: dict[str, _dhcp4_client.Client] = {}
        self._owners: dict[str, tasks.Owner] = {}

    async def run(self, r: controller.Handle) -> None:
        """As usual; the clients end with the controller."""
        try:
            await super().run(r)
        finally:
            for link in list(self._clients):
                await self._stop(link)

    async def reconcile(self, r: controller.Handle) -> None:
        """One client per link at most."""
        links = {one.id: one.spec for one in await r.list(LinkStatus)}
        wanted: dict[str, _dhcp4_client.Settings] = {}
        for one in await r.list(OperatorSpec):
            link = links.get(one.spec.link_name)
            if one.spec.operator is not network.Operator.DHCP4 or link is None:
                continue
            if one.spec.require_up and not link.link_state:
                continue
            wanted[one.spec.link_name] = _dhcp4_client.Settings(
                one.spec.link_name, link.hardware_addr, link.index, one.spec.dhcp4
            )
        for name, running in list(self._clients.items()):
            if wanted.get(name) != running.settings:
                await self._stop(name)
        for name, settings in wanted.items():
            if name not in self._clients:
                self._start(r, name, settings)
        for name, client in self._clients.items():
            if client.lease is not None:
                for spec in _dhcp4_client.specs(name, client.lease, client.settings.options):
                    await r.put(spec)

    def _start(self, r: controller.Handle, name: str, settings: _dhcp4_client.Settings) -> None:
        client = self._clients[name] = _dhcp4_client.Client(settings, r.wake, r.log)
        owner = self._owners[name] = tasks.Owner(f"DHCPv4 on {name}", r.log)
        owner.spawn(client.run(), "client")

    async def _stop(self, name: str) -> None:
        del self._clients[name]
        await self._owners.pop(name).close()
