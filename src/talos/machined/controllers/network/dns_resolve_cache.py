"""Runs the host DNS: listens where the configuration says, forwards to the upstreams, knows hosts and members."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from talos.cosi import controller
from talos.machined.controllers.network import _dns_forwarder, _dns_server
from talos.machinery.resources.cluster.member import Member
from talos.machinery.resources.network.dns_resolve_cach import DNSResolveCach as DNSResolveCache
from talos.machinery.resources.network.dns_upstream import DNSUpstream
from talos.machinery.resources.network.host_dns_config import HOST_DNS_CONFIG_ID, HostDNSConfig
from talos.machinery.resources.network.static_host import StaticHost

RETRY_S = 1.0
_TRANSPORTS = ("udp", "tcp")

Names = Mapping[str, tuple[_dns_forwarder.IPAddress, ...]]


def names_of(hosts: Iterable[tuple[str, Iterable[str]]], members: Iterable[tuple[str, str, Iterable[str]]]) -> Names:
    """Addresses by lower-case name: static hosts first, then members by node name, host name and its first label.

    `members` are (node name, host name, addresses).
    """
    found: dict[str, tuple[_dns_forwarder.IPAddress, ...]] = {}
    for name, addresses in hosts:
        found[name.lower().rstrip(".")] = tuple(ipaddress.ip_address(one) for one in addresses)
    for nodename, hostname, addresses in members:
        parsed = tuple(ipaddress.ip_address(one) for one in addresses)
        for name in (nodename, hostname, hostname.partition(".")[0]):
            if name:
                found.setdefault(name.lower().rstrip("."), parsed)
    return found


class DNSResolveCacheController(controller.Controller):
    """Publishes one DNSResolveCache per listener."""

    inputs = (
        controller.weak(HostDNSConfig, id=HOST_DNS_CONFIG_ID),
        controller.weak(DNSUpstream),
        controller.weak(StaticHost),
        controller.weak(Member),
    )
    outputs = (controller.exclusive(DNSResolveCache),)

    def __init__(self) -> None:
        self._names: Names = {}
        self._servers: dict[str, _dns_server.Server] = {}
        self._forwarder = _dns_forwarder.Forwarder(self._known)

    def _known(self, name: str) -> tuple[_dns_forwarder.IPAddress, ...] | None:
        return self._names.get(name)

    async def run(self, r: controller.Handle) -> None:
        """As usual; the listeners end with the controller."""
        try:
            await super().run(r)
        finally:
            await self._stop(list(self._servers))
            await self._forwarder.close()

    async def reconcile(self, r: controller.Handle) -> None:
        """An address that cannot be had yet (it is being put on the loopback link) is tried again."""
        config = await r.find(HostDNSConfig, HOST_DNS_CONFIG_ID)
        wanted = set(config.spec.listen_addresses) if config and config.spec.enabled else set()
        members = await r.list(Member) if config and config.spec.resolve_member_names else []
        self._names = names_of(
            [(one.id, one.spec.addresses) for one in await r.list(StaticHost)],
            [(one.id, one.spec.hostname, one.spec.addresses) for one in members],
        )
        upstreams = [_dns_forwarder.Upstream(one.spec.addr) for one in await r.list(DNSUpstream)]
        self._forwarder.set_upstreams(upstreams)
        await self._stop([address for address in self._servers if address not in wanted])
        for address in sorted(wanted - set(self._servers)):
            await self._start(r, address)
        for address in self._servers:
            for transport in _TRANSPORTS:
                await r.put(DNSResolveCache(f"{transport}-{address}", DNSResolveCache.Spec(status="running")))

    async def _start(self, r: controller.Handle, address: str) -> None:
        host, _, port = address.rpartition(":")
        server = _dns_server.Server(self._forwarder)
        try:
            await server.start(host.strip("[]"), int(port))
        except OSError as err:
            r.log.debug("host DNS on %s: %s", address, err)
            r.wake_after(RETRY_S)
            return
        self._servers[address] = server
        r.log.info("host DNS listens on %s", address)

    async def _stop(self, addresses: Iterable[str]) -> None:
        for address in list(addresses):
            await self._servers.pop(address).close()
