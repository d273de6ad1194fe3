"""The resolvers the host DNS forwards to."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.resources.network.dns_upstream import DNSUpstream
from talos.machinery.resources.network.host_dns_config import HOST_DNS_CONFIG_ID, HostDNSConfig
from talos.machinery.resources.network.resolver_spec import RESOLVER_ID
from talos.machinery.resources.network.resolver_status import ResolverStatus


def upstream_id(position: int, address: str) -> str:
    """Ids sort in the order of the resolvers."""
    return f"#{position:03d} {address}"


class DNSUpstreamController(controller.Controller):
    """One DNSUpstream per resolver, none while the host DNS is off.

    The host DNS itself is left out: forwarding to oneself would be a loop.
    """

    inputs = (
        controller.weak(HostDNSConfig, id=HOST_DNS_CONFIG_ID),
        controller.weak(ResolverStatus, id=RESOLVER_ID),
    )
    outputs = (controller.exclusive(DNSUpstream),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the resolvers; health is the cache controller's to see."""
        config = await r.find(HostDNSConfig, HOST_DNS_CONFIG_ID)
        resolvers = await r.find(ResolverStatus, RESOLVER_ID)
        if config is None or not config.spec.enabled or resolvers is None:
            return
        own = {address.rpartition(":")[0] for address in config.spec.listen_addresses}
        for position, address in enumerate(resolvers.spec.dns_servers):
            if address not in own:
                await r.put(DNSUpstream(upstream_id(position, address), DNSUpstream.Spec(healthy=True, addr=address)))
