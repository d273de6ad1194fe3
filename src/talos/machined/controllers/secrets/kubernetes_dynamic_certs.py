"""Certificates of kube-apiserver: its own, its client towards kubelets, its client towards aggregated APIs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from talos.base import errors
from talos.cosi import controller
from talos.k8s import flags
from talos.machined.controllers.secrets import _certificates
from talos.machinery.resources.network import network_status
from talos.machinery.resources.secrets import cert_san, kubernetes_dynamic_cert, kubernetes_root_secret
from talos.machinery.resources.time import time_status
from talos.pki import x509

_SERVER: Final = x509.Usage(server=True, key_encipherment=True)
_CLIENT: Final = x509.Usage(client=True, key_encipherment=True)


class KubernetesDynamicCertsController(controller.Controller):
    """Issue the API server's certificates and renew them at half of their life."""

    inputs = (
        controller.weak(kubernetes_root_secret.KubernetesRootSecret, id=kubernetes_root_secret.KUBERNETES_ROOT_ID),
        controller.weak(network_status.NetworkStatus, id=network_status.STATUS_ID),
        controller.weak(time_status.TimeStatus, id=time_status.STATUS_ID),
        controller.weak(cert_san.CertSAN, id=cert_san.CERT_SAN_KUBERNETES_ID),
    )
    outputs = (controller.exclusive(kubernetes_dynamic_cert.KubernetesDynamicCert),)

    def __init__(self, directory: Path = flags.API_SERVER_SECRETS) -> None:
        self._directory = directory

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the certificates once network and time are settled."""
        root = await r.find(kubernetes_root_secret.KubernetesRootSecret, kubernetes_root_secret.KUBERNETES_ROOT_ID)
        if root is None:
            return
        network = await r.find(network_status.NetworkStatus, network_status.STATUS_ID)
        if network is None or not (network.spec.address_ready and network.spec.hostname_ready):
            raise errors.NotReady("network is not ready")
        synced = await r.find(time_status.TimeStatus, time_status.STATUS_ID)
        if synced is None or not synced.spec.synced:
            raise errors.NotReady("time is not in sync")
        names = await r.find(cert_san.CertSAN, cert_san.CERT_SAN_KUBERNETES_ID)
        if names is None:
            raise errors.NotReady("names of the API server are not known")
        id = kubernetes_dynamic_cert.KUBERNETES_DYNAMIC_CERTS_ID
        known = await r.find(kubernetes_dynamic_cert.KubernetesDynamicCert, id)
        old = known.spec if known else self._left_behind()
        kubernetes = _certificates.Issuer(_certificates.authority(root.spec.issuing_ca, "Kubernetes CA"))
        aggregator = _certificates.Issuer(_certificates.authority(root.spec.aggregator_ca, "aggregator CA"))
        server = x509.Subject("kube-apiserver", ("kube-master",), names.spec.dns_names, names.spec.i_ps)
        kubelet_client = x509.Subject("apiserver-kubelet-client", ("system:masters",))
        spec = kubernetes_dynamic_cert.KubernetesDynamicCert.Spec(
            api_server=kubernetes.pair(old.api_server, server, _SERVER),
            api_server_kubelet_client=kubernetes.pair(old.api_server_kubelet_client, kubelet_client, _CLIENT),
            front_proxy=aggregator.pair(old.front_proxy, x509.Subject("front-proxy-client"), _CLIENT),
        )
        await r.put(kubernetes_dynamic_cert.KubernetesDynamicCert(id, spec))
        r.wake_after(min(kubernetes.renew_in_s(), aggregator.renew_in_s()))

    def _left_behind(self) -> kubernetes_dynamic_cert.KubernetesDynamicCert.Spec:
        return kubernetes_dynamic_cert.KubernetesDynamicCert.Spec(
            api_server=_certificates.left_behind(self._directory, "apiserver"),
            api_server_kubelet_client=_certificates.left_behind(self._directory, "apiserver-kubelet-client"),
            front_proxy=_certificates.left_behind(self._directory, "front-proxy-client"),
        )
