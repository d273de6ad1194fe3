"""Labels, annotations, taints and cordoning of the configuration, applied to the Node."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from talos.base import errors
from talos.base.constants import paths
from talos.cosi import controller
from talos.k8s import client as kubernetes
from talos.k8s import node
from talos.machinery.resources.k8s import (
    node_annotation_spec,
    node_cordoned_spec,
    node_label_spec,
    node_status,
    node_taint_spec,
    nodename,
)
from talos.machinery.resources.secrets import kubernetes_secret

_ATTEMPTS: Final = 5


class NodeApplyController(controller.Controller):
    """Lay the configuration's labels, annotations and taints over the Node.

    A control plane node may set anything (it holds the authority); a worker has only the rights of its kubelet, and
    the API server refuses what NodeRestriction protects.
    """

    inputs = (
        controller.weak(node_annotation_spec.NodeAnnotationSpec),
        controller.weak(node_label_spec.NodeLabelSpec),
        controller.weak(node_taint_spec.NodeTaintSpec),
        controller.weak(node_cordoned_spec.NodeCordonedSpec),
        controller.weak(node_status.NodeStatus),
        controller.weak(nodename.Nodename, id=nodename.NODENAME_ID),
        controller.weak(kubernetes_secret.KubernetesSecret, id=kubernetes_secret.KUBERNETES_ID),
    )

    def __init__(self, kubeconfig: Path = paths.KUBELET_KUBECONFIG) -> None:
        self._kubeconfig = kubeconfig

    async def reconcile(self, r: controller.Handle) -> None:
        """Replace the Node if it is not as it should be; waits for the node to be registered."""
        name = await r.find(nodename.Nodename, nodename.NODENAME_ID)
        if name is None or name.spec.skip_node_registration:
            return
        if await r.find(node_status.NodeStatus, name.spec.nodename) is None:
            return
        wanted = node.Wanted(
            labels={s.spec.key: s.spec.value for s in await r.list(node_label_spec.NodeLabelSpec)},
            annotations={s.spec.key: s.spec.value for s in await r.list(node_annotation_spec.NodeAnnotationSpec)},
            taints=tuple(
                node.Taint(s.spec.key, s.spec.value, s.spec.effect) for s in await r.list(node_taint_spec.NodeTaintSpec)
            ),
            cordoned=bool(await r.list(node_cordoned_spec.NodeCordonedSpec)),
        )
        admin = await r.find(kubernetes_secret.KubernetesSecret, kubernetes_secret.KUBERNETES_ID)
        text = admin.spec.localhost_admin_kubeconfig if admin is not None else self._kubeconfig.read_text()
        try:
            async with kubernetes.Client.from_kubeconfig(text) as api:
                await _apply(api, name.spec.nodename, wanted)
        except (OSError, TimeoutError, errors.TalosError) as error:
            raise errors.Temporary(f"node {name.spec.nodename}: {error or type(error).__name__}", 2.0) from error


async def _apply(api: kubernetes.Client, name: str, wanted: node.Wanted) -> None:
    for attempt in range(_ATTEMPTS):
        planned = node.plan(await api.get(kubernetes.NODES, name), wanted)
        if planned is None:
            return
        try:
            await api.replace(kubernetes.NODES, planned)
        except errors.VersionConflict:
            # The kubelet writes the Node too.
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return
