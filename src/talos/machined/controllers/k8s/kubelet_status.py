"""What may be known of the kubelet's spec by everybody."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.resources.k8s import kubelet_spec, kubelet_status


class KubeletStatusController(controller.Controller):
    """Publish the kubelet's image."""

    inputs = (controller.weak(kubelet_spec.KubeletSpec),)
    outputs = (controller.exclusive(kubelet_status.KubeletStatus),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put one status per spec."""
        for spec in await r.list(kubelet_spec.KubeletSpec):
            await r.put(kubelet_status.KubeletStatus(spec.id, kubelet_status.KubeletStatus.Spec(image=spec.spec.image)))
