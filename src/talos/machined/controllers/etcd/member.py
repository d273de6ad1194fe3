"""This node's member id, once etcd runs."""

from __future__ import annotations

from collections.abc import Callable

from talos.base import errors
from talos.cosi import controller
from talos.k8s.etcd import client as etcd
from talos.machinery.resources.etcd import etcd_member
from talos.machinery.resources.v1alpha1 import service
from talos.machinery.rpc import status


class MemberController(controller.Controller):
    """Ask the local etcd for its member id."""

    inputs = (controller.weak(service.Service, id="etcd"),)
    outputs = (controller.exclusive(etcd_member.EtcdMember),)

    def __init__(self, connect: Callable[[], etcd.Client] = etcd.Client.local) -> None:
        self._connect = connect

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the member while etcd is healthy."""
        running = await r.find(service.Service, "etcd")
        if running is None or not running.spec.healthy:
            return
        try:
            async with self._connect() as client:
                answer = await client.status()
        except status.RpcError as error:
            raise errors.Temporary(str(error), 2.0) from error
        spec = etcd_member.EtcdMember.Spec(member_id=f"{answer.header.member_id:016x}")
        await r.put(etcd_member.EtcdMember(etcd_member.LOCAL_MEMBER_ID, spec))
