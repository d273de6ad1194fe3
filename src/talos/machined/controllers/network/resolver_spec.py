"""The merged resolvers become the node's resolvers, as ResolverStatus."""

from __future__ import annotations

from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.machined.controllers.network import resolver_merge
from talos.machinery.resources.network.resolver_spec import RESOLVER_ID, ResolverSpec
from talos.machinery.resources.network.resolver_status import ResolverStatus


class ResolverSpecController(controller.Controller):
    """Publishes the resolvers in force. They reach programs through the host DNS and the files made from the status."""

    inputs = (controller.strong(ResolverSpec),)
    outputs = (controller.exclusive(ResolverStatus),)

    async def reconcile(self, r: controller.Handle) -> None:
        """The status follows the spec."""
        for source in await r.list(ResolverSpec):
            if source.metadata.phase is not Phase.RUNNING:
                await r.remove_finalizer(ResolverSpec, source.id)
            elif source.id == RESOLVER_ID:
                await r.add_finalizer(ResolverSpec, source.id)
                spec = source.spec
                servers = resolver_merge.servers_of(spec)
                status = ResolverStatus.Spec(
                    dns_servers=tuple(one.addr for one in servers),
                    name_servers=servers,
                    search_domains=spec.search_domains,
                )
                await r.put(ResolverStatus(source.id, status))
