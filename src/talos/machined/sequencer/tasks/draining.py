"""Moving this node's pods elsewhere before it goes down, with the rights of its kubelet.

The mark that comes with the cordon is taken away again by NodeApplyController once the node runs: what a person has
cordoned stays cordoned.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from talos.base import errors
from talos.base.constants import paths
from talos.cosi import state
from talos.k8s import client, drain
from talos.machined.sequencer.context import Context
from talos.machinery.resources.k8s import nodename

DRAIN_S = 300.0
TIMEOUT_S = DRAIN_S + 30.0
_REQUEST_S = 10.0
_log = logging.getLogger("sequencer.draining")


async def cordon_and_drain(context: Context) -> None:
    """Leave the node to no new pod and evict the ones it has. Raises Temporary, TimedOut naming pods that stay."""
    await drain_own(context.store, paths.KUBELET_KUBECONFIG, timeout_s=DRAIN_S)


async def drain_own(store: state.State, kubeconfig: Path, *, timeout_s: float) -> None:
    """Cordon and drain the node of this name in Kubernetes; one that never was part of a cluster has nothing to do."""
    name = await state.find(store, nodename.Nodename, nodename.NODENAME_ID)
    if name is None or name.spec.skip_node_registration:
        return
    try:
        text = await asyncio.to_thread(kubeconfig.read_text)
    except FileNotFoundError:
        return
    node = name.spec.nodename
    try:
        async with asyncio.timeout(timeout_s), client.Client.from_kubeconfig(text, timeout_s=_REQUEST_S) as kubernetes:
            await drain.cordon_own(kubernetes, node)
            await drain.empty(kubernetes, node, timeout_s=timeout_s, report=_log.info)
    except errors.NotFound:
        _log.info("Kubernetes does not know node %s", node)
    except (OSError, TimeoutError, ssl.SSLError) as error:
        raise errors.Temporary(f"node {node} is not drained: {error or type(error).__name__}") from error
