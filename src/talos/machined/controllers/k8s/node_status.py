"""The node as the API server sees it."""

from __future__ import annotations

from pathlib import Path

from talos.base import errors, tasks
from talos.base.constants import paths
from talos.cosi import controller
from talos.k8s import client as kubernetes
from talos.k8s import node
from talos.machined.controllers.k8s import _following
from talos.machinery.resources.k8s import kubelet_kubeconfig, node_status, nodename


class NodeStatusController(controller.Controller):
    """Follow the node's own Node with the kubelet's credentials."""

    inputs = (
        controller.weak(nodename.Nodename, id=nodename.NODENAME_ID),
        controller.weak(kubelet_kubeconfig.KubeletKubeconfig, id=kubelet_kubeconfig.KUBELET_KUBECONFIG_ID),
    )
    outputs = (controller.exclusive(node_status.NodeStatus),)

    def __init__(self, kubeconfig: Path = paths.KUBELET_KUBECONFIG) -> None:
        self._kubeconfig = kubeconfig
        self._follower = _following.Follower(kubernetes.NODES)
        self._owner: tasks.Owner | None = None

    async def run(self, r: controller.Handle) -> None:
        """Own the watch beside the usual loop."""
        async with tasks.Owner("node-status", r.log) as self._owner:
            async for _ in r.changes():
                await r.reconcile()

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the status of the Node; keeps the last known one while the API server cannot be reached."""
        name = await r.find(nodename.Nodename, nodename.NODENAME_ID)
        kubeconfig = await r.find(kubelet_kubeconfig.KubeletKubeconfig, kubelet_kubeconfig.KUBELET_KUBECONFIG_ID)
        if name is None or kubeconfig is None or name.spec.skip_node_registration:
            await self._follower.stop()
            return
        assert self._owner is not None
        self._follower.select(fields=f"metadata.name={name.spec.nodename}")
        key = (name.spec.nodename, kubeconfig.spec.hash)
        await self._follower.follow(
            self._owner, r, key, lambda: kubernetes.Client.from_kubeconfig(self._kubeconfig.read_text())
        )
        if not self._follower.synced:
            raise errors.NotReady("the API server has not answered yet")
        found = self._follower.objects.get(("", name.spec.nodename))
        if found is None:
            return
        spec, metadata = found.get("spec") or {}, found["metadata"]
        await r.put(
            node_status.NodeStatus(
                name.spec.nodename,
                node_status.NodeStatus.Spec(
                    nodename=name.spec.nodename,
                    node_ready=node.ready(found),
                    unschedulable=bool(spec.get("unschedulable")),
                    labels=dict(metadata.get("labels") or {}),
                    annotations=dict(metadata.get("annotations") or {}),
                    pod_cid_rs=tuple(spec.get("podCIDRs") or ()),
                ),
            )
        )
