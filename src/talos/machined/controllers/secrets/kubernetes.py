"""kubeconfigs of the control plane's components and of the node itself."""

from __future__ import annotations

from pathlib import Path

from talos.base import errors
from talos.cosi import controller
from talos.k8s import flags, kubeconfig
from talos.machined.controllers.secrets import _certificates
from talos.machinery.resources.secrets import kubernetes_root_secret, kubernetes_secret
from talos.machinery.resources.time import time_status
from talos.machinery.types import pem
from talos.pki import x509

_CLIENT = x509.Usage(client=True, key_encipherment=True)
_MANAGER = "system:kube-controller-manager"
_SCHEDULER = "system:kube-scheduler"


class KubernetesController(controller.Controller):
    """Issue client certificates and write them into kubeconfigs; renewed at half of their life."""

    inputs = (
        controller.weak(kubernetes_root_secret.KubernetesRootSecret, id=kubernetes_root_secret.KUBERNETES_ROOT_ID),
        controller.weak(time_status.TimeStatus, id=time_status.STATUS_ID),
    )
    outputs = (controller.exclusive(kubernetes_secret.KubernetesSecret),)

    def __init__(
        self, manager: Path = flags.CONTROLLER_MANAGER_SECRETS, scheduler: Path = flags.SCHEDULER_SECRETS
    ) -> None:
        self._pairs: dict[str, pem.CertificateAndKey] = {}
        for name, directory in {_MANAGER: manager, _SCHEDULER: scheduler}.items():
            pair = _certificates.left_in_kubeconfig(directory / "kubeconfig")
            if pair is not None:
                self._pairs[name] = pair

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the kubeconfigs once the time is settled."""
        root = await r.find(kubernetes_root_secret.KubernetesRootSecret, kubernetes_root_secret.KUBERNETES_ROOT_ID)
        if root is None:
            return
        synced = await r.find(time_status.TimeStatus, time_status.STATUS_ID)
        if synced is None or not synced.spec.synced:
            raise errors.NotReady("time is not in sync")
        issuer = _certificates.Issuer(_certificates.authority(root.spec.issuing_ca, "Kubernetes CA"))
        ca = b"".join(ca.crt for ca in root.spec.accepted_c_as) or issuer.authority.crt_pem

        def client(subject: x509.Subject, server: str, context: str = "") -> str:
            # The spec holds texts only, so pairs are kept here.
            pair = issuer.pair(self._pairs.get(subject.common_name), subject, _CLIENT)
            self._pairs[subject.common_name] = pair
            return kubeconfig.with_certificate(
                cluster=root.spec.name,
                user=subject.common_name,
                server=server,
                ca=ca,
                certificate=pair.crt,
                key=pair.key,
                context=context,
            )

        admin = x509.Subject("talos:admin", ("system:masters",))
        spec = kubernetes_secret.KubernetesSecret.Spec(
            scheduler_kubeconfig=client(x509.Subject(_SCHEDULER, (_SCHEDULER,)), root.spec.local_endpoint),
            controller_manager_kubeconfig=client(x509.Subject(_MANAGER, (_MANAGER,)), root.spec.local_endpoint),
            localhost_admin_kubeconfig=client(admin, root.spec.local_endpoint),
            admin_kubeconfig=client(admin, root.spec.endpoint),
        )
        await r.put(kubernetes_secret.KubernetesSecret(kubernetes_secret.KUBERNETES_ID, spec))
        r.wake_after(issuer.renew_in_s())
