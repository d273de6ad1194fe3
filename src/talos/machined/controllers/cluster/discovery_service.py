"""Discovery through services: publishes the local affiliate, and writes what the services tell of the others."""

from __future__ import annotations

import ipaddress
from collections import defaultdict

from talos.base import errors, tasks
from talos.base.constants import versions
from talos.cosi import controller
from talos.machined.controllers.cluster import _affiliate_codec as codec
from talos.machined.controllers.cluster import _affiliates, node_identity
from talos.machined.controllers.cluster import _discovery_client as client
from talos.machinery.resources.cluster.affiliate import Affiliate
from talos.machinery.resources.cluster.discovery_config import CONFIG_ID, DiscoveryConfig
from talos.machinery.resources.cluster.identity import Identity
from talos.machinery.resources.kubespan.kube_span_endpoint import KubeSpanEndpoint
from talos.machinery.resources.network.address_status import AddressStatus
from talos.machinery.resources.runtime.machine_reset_signal import MACHINE_RESET_SIGNAL_ID, MachineResetSignal
from talos.machinery.rpc import status
from talos.machinery.types import network

CLUSTER_NAMESPACE = "cluster"
EXTERNAL_LINK = "external"
WITHDRAW_S = 5.0


class DiscoveryServiceController(controller.Controller):
    """Keeps one client per configured service.

    A node that is being reset withdraws itself. Without services all it wrote goes away.
    """

    inputs = (
        controller.weak(DiscoveryConfig, id=CONFIG_ID),
        controller.weak(Identity, id=node_identity.LOCAL_ID),
        controller.weak(Affiliate),
        controller.weak(KubeSpanEndpoint),
        controller.weak(MachineResetSignal, id=MACHINE_RESET_SIGNAL_ID),
    )
    outputs = (controller.shared(Affiliate), controller.shared(AddressStatus))

    def __init__(self) -> None:
        self._clients: dict[str, client.Client] = {}
        self._owners: dict[str, tasks.Owner] = {}

    async def run(self, r: controller.Handle) -> None:
        """As usual; the clients end with the controller."""
        try:
            await super().run(r)
        finally:
            for name in list(self._clients):
                await self._stop(name)

    async def reconcile(self, r: controller.Handle) -> None:
        """Clients follow the configuration, resources follow the clients."""
        config = await r.find(DiscoveryConfig, CONFIG_ID)
        identity = await r.find(Identity, node_identity.LOCAL_ID)
        resetting = await r.find(MachineResetSignal, MACHINE_RESET_SIGNAL_ID) is not None
        wanted: dict[str, client.Settings] = {}
        if config and identity and not resetting:
            wanted = _settings(config.spec, identity.spec.node_id)
        for name, running in list(self._clients.items()):
            if wanted.get(name) != running.settings:
                if resetting:
                    await self._withdraw(r, running)
                await self._stop(name)
        for name, settings in wanted.items():
            if name not in self._clients:
                self._start(r, name, settings)
        local = await self._local(r, identity.spec.node_id) if identity else None
        for name, running in self._clients.items():
            if local is not None:
                running.publish(local)
            await self._write(r, name, running)

    def _start(self, r: controller.Handle, name: str, settings: client.Settings) -> None:
        made = self._clients[name] = client.Client(settings, r.wake, r.log)
        owner = self._owners[name] = tasks.Owner(f"discovery service {name}", r.log)
        owner.spawn(made.run(), "client")

    async def _stop(self, name: str) -> None:
        del self._clients[name]
        await self._owners.pop(name).close()

    async def _withdraw(self, r: controller.Handle, running: client.Client) -> None:
        """Best effort: the affiliate would expire in half an hour anyway."""
        try:
            await running.withdraw(timeout_s=WITHDRAW_S)
        except (status.RpcError, OSError) as err:
            r.log.warning("cannot withdraw from %s: %s", running.settings.endpoint.host, err)

    async def _local(self, r: controller.Handle, node_id: str) -> client.Local | None:
        own = await r.find(Affiliate, node_id)
        if own is None:
            return None
        others: defaultdict[str, list[codec.Endpoint]] = defaultdict(list)
        for harvested in await r.list(KubeSpanEndpoint):
            others[harvested.spec.affiliate_id].append(_affiliates.endpoint_of(harvested.spec.endpoint))
        return client.Local(
            _affiliates.to_message(own.spec),
            tuple(_affiliates.endpoint_of(one) for one in own.spec.kube_span.endpoints),
            {id: tuple(sorted(found, key=str)) for id, found in others.items()},
        )

    async def _write(self, r: controller.Handle, name: str, running: client.Client) -> None:
        for id, other in running.discovered.items():
            try:
                spec = _affiliates.from_message(other.affiliate, other.endpoints)
            except ValueError as err:
                r.log.warning("affiliate %s of service %s: %s", id, name, err)
                continue
            await r.put(Affiliate(f"service/{name}/{id}", spec, namespace=_affiliates.RAW_NAMESPACE))
        if running.public_ip is not None:
            await r.put(_external_address(name, running.public_ip))


def _settings(config: DiscoveryConfig.Spec, node_id: str) -> dict[str, client.Settings]:
    if not (config.discovery_enabled and config.registry_service_enabled):
        return {}
    found = {}
    for service in config.service_endpoints:
        try:
            endpoint = client.Endpoint.parse(service.endpoint, insecure=service.insecure)
        except errors.Invalid as err:
            raise errors.Permanent(str(err)) from err
        found[service.name] = client.Settings(
            endpoint, config.service_cluster_id, config.service_encryption_key, node_id, versions.RELEASE
        )
    return found


def _external_address(name: str, ip: codec.IPAddress) -> AddressStatus:
    interface = ipaddress.ip_interface(ip)
    spec = AddressStatus.Spec(
        address=str(interface),
        local=str(ip),
        link_name=EXTERNAL_LINK,
        family=network.Family.INET4 if ip.version == 4 else network.Family.INET6,
        scope=network.Scope.GLOBAL,
    )
    return AddressStatus(f"service/{name}/{interface}", spec, namespace=CLUSTER_NAMESPACE)
