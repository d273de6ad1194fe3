"""Starting and stopping of services and pods by sequences."""

from __future__ import annotations

import asyncio
import logging

from talos.base import errors
from talos.machined import quorum
from talos.machined.sequencer.context import Context
from talos.machined.sequencer.tasks.config import is_control_plane
from talos.machinery.rpc import status
from talos.supervisor.machine import State

_log = logging.getLogger("sequencer.services")
BOOT_TIMEOUT_S = 70 * 60.0
POD_STOP_S = 30.0
STOP_ALL_S = 90.0
_SELF = "machined"


async def start_machined(context: Context) -> None:
    """Show machined itself as a service."""
    await context.supervisor.start(_SELF)
    await context.supervisor.wait_up(_SELF, 10)


async def start_apid(context: Context) -> None:
    """Start the API; it waits for its certificates."""
    await context.supervisor.start("apid")


async def start_everything(context: Context) -> None:
    """Start what no controller starts and wait until every service is up."""
    wanted = {"apid", "cri", "kubelet"}
    if await is_control_plane(context):
        for name in ("trustd", "etcd"):
            await context.supervisor.start(name)
            wanted.add(name)
    await asyncio.gather(*(context.supervisor.wait_up(name, BOOT_TIMEOUT_S) for name in wanted))


async def deny_new_services(context: Context) -> None:
    """From here on nothing is started any more."""
    context.supervisor.refuse_starts()


async def stop_pods(context: Context) -> None:
    """Stop kubelet, so that it starts nothing again, then every pod."""
    await _pods(context, remove=False)


async def remove_pods(context: Context) -> None:
    """Stop kubelet and remove every pod."""
    await _pods(context, remove=True)


async def _pods(context: Context, *, remove: bool) -> None:
    if context.supervisor.loaded("kubelet"):
        await context.supervisor.stop("kubelet")
    if not context.supervisor.loaded("cri") or context.supervisor.status("cri").state is not State.RUNNING:
        return
    try:
        await context.cri.stop_pods(remove=remove, timeout_s=POD_STOP_S)
    except (errors.TalosError, status.RpcError, TimeoutError) as error:
        _log.warning("pods: %s", error)


async def leave_etcd(context: Context) -> None:
    """Take this node's etcd out of its cluster. Raises NotReady for the last member."""
    if not context.supervisor.loaded("etcd") or context.supervisor.status("etcd").state is not State.RUNNING:
        return
    from talos.k8s.etcd import client as etcd
    from talos.machined.services import etcd as service

    async with etcd.Client.local() as client:
        if not await service.leave(context.supervisor, client):
            raise errors.NotReady(quorum.ONLY_MEMBER)


async def stop_everything(context: Context) -> None:
    """Stop every service but machined itself, dependents before what they need."""
    await context.supervisor.stop_all(STOP_ALL_S, keep=(_SELF,))
