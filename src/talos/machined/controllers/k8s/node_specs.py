"""Labels, annotations and taints the Node should have."""

from __future__ import annotations

from talos.cosi import controller
from talos.k8s import kubelet, node
from talos.machined.controllers.k8s import _config
from talos.machinery.config import views
from talos.machinery.resources.k8s import node_annotation_spec, node_label_spec, node_taint_spec
from talos.machinery.resources.runtime import extension_status

_EXTENSION_PREFIX = "extensions.talos.dev/"


async def _extensions(r: controller.Handle) -> dict[str, str]:
    """Return `extensions.talos.dev/<name>: <version>` of installed system extensions."""
    found = await r.list(extension_status.ExtensionStatus)
    parts = [e.spec.metadata for e in found]
    return {f"{_EXTENSION_PREFIX}{part.get('name', '')}": str(part.get("version", "")) for part in parts}


class NodeLabelSpecController(controller.Controller):
    """Labels: the user's, the role of a control plane node, and one per system extension."""

    inputs = (_config.INPUT, controller.weak(extension_status.ExtensionStatus))
    outputs = (controller.exclusive(node_label_spec.NodeLabelSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put one resource per label."""
        config = await _config.node(r)
        if config is None:
            return
        labels = {**await _extensions(r), **views.node(config).labels}
        if views.machine(config).is_control_plane:
            labels[node.CONTROL_PLANE_ROLE] = ""
        for key, value in labels.items():
            spec = node_label_spec.NodeLabelSpec.Spec(key=key, value=value)
            await r.put(node_label_spec.NodeLabelSpec(key, spec))


class NodeAnnotationSpecController(controller.Controller):
    """Annotations of the user."""

    inputs = (_config.INPUT,)
    outputs = (controller.exclusive(node_annotation_spec.NodeAnnotationSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put one resource per annotation."""
        config = await _config.node(r)
        if config is None:
            return
        for key, value in views.node(config).annotations.items():
            spec = node_annotation_spec.NodeAnnotationSpec.Spec(key=key, value=value)
            await r.put(node_annotation_spec.NodeAnnotationSpec(key, spec))


class NodeTaintSpecController(controller.Controller):
    """Taints of the user."""

    inputs = (_config.INPUT,)
    outputs = (controller.exclusive(node_taint_spec.NodeTaintSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put one resource per taint."""
        config = await _config.node(r)
        if config is None:
            return
        for key, text in views.node(config).taints.items():
            value, effect = kubelet.parse_taint(text)
            spec = node_taint_spec.NodeTaintSpec.Spec(key=key, value=value, effect=effect)
            await r.put(node_taint_spec.NodeTaintSpec(key, spec))
