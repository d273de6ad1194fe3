"""What a kubelet needs to join: where the API is, whom to trust, the bootstrap token."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config import views
from talos.machinery.resources.config import machine_config
from talos.machinery.resources.secrets import kubelet_secret
from talos.machinery.types import pem


class KubeletController(controller.Controller):
    """Endpoint, authorities and token from the machine configuration; KubePrism is the endpoint where it is enabled."""

    inputs = (controller.weak(machine_config.MachineConfig, id=machine_config.ACTIVE_ID),)
    outputs = (controller.exclusive(kubelet_secret.KubeletSecret),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the secrets of a node that belongs to a cluster."""
        resource = await r.find(machine_config.MachineConfig, machine_config.ACTIVE_ID)
        if resource is None:
            return
        config = resource.documents
        cluster, found, prism = views.cluster(config), views.kubernetes_secrets(config), views.kube_prism(config)
        if not cluster.endpoint or not (found.ca.crt or found.accepted_cas):
            return
        token_id, _, token_secret = found.bootstrap_token.partition(".")
        spec = kubelet_secret.KubeletSecret.Spec(
            endpoint=f"https://127.0.0.1:{prism.port}" if prism.enabled else cluster.endpoint,
            accepted_c_as=tuple(pem.Certificate(crt=crt) for crt in (found.ca.crt, *found.accepted_cas) if crt),
            bootstrap_token_id=token_id,
            bootstrap_token_secret=token_secret,
        )
        await r.put(kubelet_secret.KubeletSecret(kubelet_secret.KUBELET_ID, spec))
