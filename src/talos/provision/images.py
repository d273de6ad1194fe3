"""Sending an image of this machine to all nodes of a cluster, so that no registry is needed for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from talos.machinery.api._generated.common import common_pb2
from talos.provision import plan
from talos.provision.api import Api
from talos.provision.cluster import require_complete
from talos.provision.request import Node
from talos.provision.state import Cluster, Store

_NAMESPACES = {"cri": common_pb2.NS_CRI, "system": common_pb2.NS_SYSTEM}


async def import_image(
    store: Store, name: str, archive: Path, progress: plan.Progress, namespace: str = "cri"
) -> Mapping[str, str]:
    """Import an OCI archive into the containerd namespace `cri` or `system` of every node.

    Returns the image's name by node. Raises StepFailed for the first node that refuses it.
    """
    async with store.lock(name):
        cluster = store.load(name)
        require_complete(cluster)
        imports = [_Import(one, archive, _NAMESPACES[namespace]) for one in cluster.request.nodes]
        await plan.do(imports, cluster, progress)
        return {one.node.name: one.image for one in imports}


class _Import(plan.Step):
    recorded: ClassVar[bool] = False
    essential: ClassVar[bool] = False

    def __init__(self, node: Node, archive: Path, namespace: common_pb2.ContainerdNamespace.ValueType) -> None:
        self.node, self.archive, self.namespace, self.image = node, archive, namespace, ""
        self.key = f"import/{node.name}"
        self.title = f"{node.name}: import {archive.name}"

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Send it."""
        async with Api.of(cluster) as api:
            self.image = await api.import_image(self.node.ip, self.archive, self.namespace)
