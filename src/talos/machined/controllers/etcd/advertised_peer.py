"""Tell the etcd cluster when this node's addresses change."""

from __future__ import annotations

from collections.abc import Callable

from talos.base import errors
from talos.cosi import controller
from talos.k8s.etcd import client as etcd
from talos.k8s.etcd import command
from talos.machinery.resources.etcd import etcd_spec, pki_status
from talos.machinery.resources.v1alpha1 import service
from talos.machinery.rpc import status


class AdvertisedPeerController(controller.Controller):
    """Keep the peer URLs the cluster knows of this member equal to the spec's addresses."""

    inputs = (
        controller.weak(etcd_spec.EtcdSpec, id=etcd_spec.SPEC_ID),
        controller.weak(pki_status.PKIStatus, id=pki_status.PKI_ID),
        controller.weak(service.Service, id="etcd"),
    )

    def __init__(self, connect: Callable[[], etcd.Client] = etcd.Client.local) -> None:
        self._connect = connect

    async def reconcile(self, r: controller.Handle) -> None:
        """Update the member if its peer URLs differ."""
        running = await r.find(service.Service, "etcd")
        spec = await r.find(etcd_spec.EtcdSpec, etcd_spec.SPEC_ID)
        if running is None or not running.spec.healthy or spec is None:
            return
        wanted = command.peer_urls(spec.spec.advertised_addresses)
        try:
            async with self._connect() as client:
                local = (await client.status()).header.member_id
                member = next((m for m in await client.members() if m.id == local), None)
                if member is None or sorted(member.peer_urls) == sorted(wanted):
                    return
                await client.update_peer_urls(local, wanted)
        except status.RpcError as error:
            raise errors.Temporary(str(error), 5.0) from error
        r.log.info("advertised peer URLs of this member are now %s", ", ".join(wanted))
