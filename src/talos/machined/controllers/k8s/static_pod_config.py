"""Static pods of the user."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.controllers.k8s import _config
from talos.machinery.config import views
from talos.machinery.resources.k8s import static_pod


class StaticPodConfigController(controller.Controller):
    """Pods written in the configuration; the kubelet runs them without asking the API server."""

    inputs = (_config.INPUT,)
    outputs = (controller.shared(static_pod.StaticPod),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put one resource per pod, named by namespace and name."""
        config = await _config.node(r)
        if config is None:
            return
        for pod in views.static_pods(config):
            metadata = pod.get("metadata") or {}
            id = f"{metadata.get('namespace') or 'default'}-{metadata.get('name', '')}"
            await r.put(static_pod.StaticPod(id, static_pod.StaticPod.Spec(pod=dict(pod))))
