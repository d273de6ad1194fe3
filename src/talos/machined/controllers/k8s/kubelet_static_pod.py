"""Static pods as the kubelet runs them: asked from the kubelet itself, so that it works without an API server."""

from __future__ import annotations

import ssl
from typing import Any, Final

from talos.base import errors
from talos.base.constants import ports
from talos.cosi import controller
from talos.k8s import client as kubernetes
from talos.k8s import connection
from talos.machinery.resources.k8s import nodename, static_pod_status
from talos.machinery.resources.secrets import kubernetes_dynamic_cert
from talos.machinery.resources.v1alpha1 import service

_UNSETTLED_S: Final = 1.0
_SETTLED_S: Final = 15.0
_SOURCE: Final = "kubernetes.io/config.source"


def statuses(pods: list[Any]) -> dict[str, dict[str, Any]]:
    """Return `namespace/name` -> status of the static pods in the kubelet's list."""
    found: dict[str, dict[str, Any]] = {}
    for pod in pods:
        metadata = pod["metadata"]
        if (metadata.get("annotations") or {}).get(_SOURCE, "api") != "api":
            found[f"{metadata['namespace']}/{metadata['name']}"] = pod.get("status") or {}
    return found


def settled(status: dict[str, Any]) -> bool:
    """Tell whether a pod is ready."""
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or ())


class KubeletStaticPodController(controller.Controller):
    """Publish the status of static pods on control plane nodes."""

    inputs = (
        controller.weak(nodename.Nodename, id=nodename.NODENAME_ID),
        controller.weak(service.Service, id="kubelet"),
        controller.weak(
            kubernetes_dynamic_cert.KubernetesDynamicCert, id=kubernetes_dynamic_cert.KUBERNETES_DYNAMIC_CERTS_ID
        ),
    )
    outputs = (controller.exclusive(static_pod_status.StaticPodStatus),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Ask the kubelet; often while a pod is not ready, rarely afterwards."""
        name = await r.find(nodename.Nodename, nodename.NODENAME_ID)
        running = await r.find(service.Service, "kubelet")
        certs = await r.find(
            kubernetes_dynamic_cert.KubernetesDynamicCert, kubernetes_dynamic_cert.KUBERNETES_DYNAMIC_CERTS_ID
        )
        pair = certs.spec.api_server_kubelet_client if certs is not None else None
        if name is None or running is None or pair is None:
            return
        if not running.spec.healthy:
            raise errors.NotReady("the kubelet is not healthy")
        tls = connection.context(b"", pair.crt, pair.key)
        # The kubelet may have signed its certificate itself, and this connection never leaves the machine.
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
        target = connection.Target("127.0.0.1", ports.KUBELET, tls, "localhost")
        try:
            async with kubernetes.Client(target, timeout_s=5) as kubelet:
                found = statuses((await kubelet.request("GET", "/pods")).get("items") or [])
        except (OSError, TimeoutError, errors.TalosError) as error:
            # It answers once the API server, which it asks whether we may, runs. What was known stays.
            r.wake_after(_UNSETTLED_S)
            raise errors.NotReady(f"kubelet: {error or type(error).__name__}") from error
        for id, status in found.items():
            await r.put(
                static_pod_status.StaticPodStatus(id, static_pod_status.StaticPodStatus.Spec(pod_status=status))
            )
        r.wake_after(_SETTLED_S if found and all(map(settled, found.values())) else _UNSETTLED_S)
