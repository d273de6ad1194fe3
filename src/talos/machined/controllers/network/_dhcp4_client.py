"""One DHCPv4 client: acquires, renews, gives up what it may no longer use; and what its lease means as specs."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from talos.base import errors
from talos.cosi import resource
from talos.linux import dhcp4
from talos.machined.controllers.network import _hostnames, _merging, _texts
from talos.machinery.resources.network.address_spec import AddressSpec
from talos.machinery.resources.network.hostname_spec import HOSTNAME_ID, HostnameSpec
from talos.machinery.resources.network.operator_spec import DHCP4OperatorSpec
from talos.machinery.resources.network.resolver_spec import RESOLVER_ID, ResolverSpec
from talos.machinery.resources.network.route_spec import RouteSpec
from talos.machinery.resources.network.time_server_spec import TIME_SERVER_ID, TimeServerSpec
from talos.machinery.types import network

_LAYER = network.ConfigLayer.OPERATOR
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 64.0
_ANSWER_S = 4.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What one client works with; another value of it means another client."""

    link: str
    hardware_address: str
    index: int
    options: DHCP4OperatorSpec

    def client_id(self) -> bytes:
        """RFC 2132 option 61: empty for the hardware address."""
        chosen = self.options.client_identifier
        if chosen.client_identifier is not network.ClientIdentifier.DUID:
            return b""
        return b"\xff" + bytes(4) + bytes.fromhex(chosen.duid_raw_hex)


def specs(link: str, lease: dhcp4.Lease, options: DHCP4OperatorSpec) -> list[resource.Resource[Any]]:
    """What a lease gives the machine; pure."""
    namespace, metric = _merging.CONFIG_NAMESPACE, options.route_metric or 1024

    def id_of(name: str) -> str:
        return _texts.layered(_LAYER, name)

    address = AddressSpec.Spec(
        address=str(lease.address),
        link_name=link,
        family=network.Family.INET4,
        scope=network.Scope.GLOBAL,
        flags="permanent",
        priority=metric,
        config_layer=_LAYER,
    )
    found: list[resource.Resource[Any]] = [
        AddressSpec(id_of(f"dhcp4/{link}/{lease.address}"), address, namespace=namespace)
    ]
    wanted = [("", str(gateway)) for gateway in lease.gateways]
    wanted += [(str(to) if to.prefixlen else "", str(via) if int(via) else "") for to, via in lease.routes]
    for destination, gateway in [] if options.skip_routes else wanted:
        route = RouteSpec.Spec(
            family=network.Family.INET4,
            destination=destination,
            source=str(lease.address.ip),
            gateway=gateway,
            out_link_name=link,
            table=network.RoutingTable.MAIN,
            priority=metric,
            scope=network.Scope.GLOBAL if gateway else network.Scope.LINK,
            type=network.RouteType.UNICAST,
            protocol=network.RouteProtocol.DHCP,
            config_layer=_LAYER,
        )
        found.append(RouteSpec(id_of(f"dhcp4/{_texts.route_id(route)}"), route, namespace=namespace))
    if lease.dns:
        domain = (lease.domain,) if lease.domain else ()
        servers = tuple(str(one) for one in lease.dns)
        resolvers = ResolverSpec.Spec(dns_servers=servers, search_domains=domain, config_layer=_LAYER)
        found.append(ResolverSpec(id_of(f"dhcp4/{link}/{RESOLVER_ID}"), resolvers, namespace=namespace))
    if lease.ntp:
        times = TimeServerSpec.Spec(ntp_servers=tuple(str(one) for one in lease.ntp), config_layer=_LAYER)
        found.append(TimeServerSpec(id_of(f"dhcp4/{link}/{TIME_SERVER_ID}"), times, namespace=namespace))
    if lease.hostname and not options.skip_hostname_request:
        named = _hostnames.split(lease.hostname, _LAYER)
        if lease.domain and not named.domainname:
            named = HostnameSpec.Spec(hostname=named.hostname, domainname=lease.domain, config_layer=_LAYER)
        found.append(HostnameSpec(id_of(f"dhcp4/{link}/{HOSTNAME_ID}"), named, namespace=namespace))
    return found


class Client:
    """Keeps a lease for one link; `changed` is called when `lease` is another one."""

    def __init__(self, settings: Settings, changed: Callable[[], None], log: logging.Logger) -> None:
        self.settings, self._changed, self._log = settings, changed, log
        self.lease: dhcp4.Lease | None = None

    def _set(self, lease: dhcp4.Lease | None) -> None:
        if lease != self.lease:
            self.lease = lease
            self._changed()

    async def run(self) -> None:
        """Until cancelled. A link that is gone or a server that is silent is tried again, each time a little later."""
        pause, told = _FIRST_PAUSE_S, ""
        while True:
            try:
                with _opened(self.settings) as exchange:
                    lease = await exchange.acquire(_ANSWER_S)
                    self._log.info("%s: %s from DHCP server %s", self.settings.link, lease.address, lease.server)
                    pause, told = _FIRST_PAUSE_S, ""
                    await self._keep(exchange, lease)
            except (errors.TalosError, OSError) as error:
                if str(error) != told:
                    told = str(error)
                    self._log.warning("%s: %s", self.settings.link, told)
            self._set(None)
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _keep(self, exchange: dhcp4.Exchange, lease: dhcp4.Lease) -> None:
        """Renew until the server says no or the time is over."""
        loop = asyncio.get_running_loop()
        granted = loop.time()
        self._set(lease)
        while True:
            if lease.lease_s == float("inf"):
                await asyncio.Event().wait()
            await asyncio.sleep(max(0.0, granted + lease.renew_s - loop.time()))
            while True:
                left = granted + lease.lease_s - loop.time()
                if left <= 0:
                    raise errors.TimedOut("the lease has ended")
                try:
                    lease = await exchange.renew(lease, min(_ANSWER_S, left))
                except errors.TimedOut:
                    await asyncio.sleep(min(max(left / 8, 1.0), left))
                    continue
                break
            granted = loop.time()
            self._set(lease)


class _opened:  # noqa: N801 - a with statement
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> dhcp4.Exchange:
        given = self._settings
        self._exchange = dhcp4.Exchange(given.link, given.hardware_address, client_id=given.client_id())
        return self._exchange

    def __exit__(self, *_: object) -> None:
        self._exchange.close()
