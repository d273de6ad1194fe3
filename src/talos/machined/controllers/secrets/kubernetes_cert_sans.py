"""Names and addresses kube-apiserver answers to."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from talos.base import errors
from talos.cosi import controller
from talos.machined.controllers.secrets import _certificates
from talos.machinery.resources.network import hostname_status, node_address
from talos.machinery.resources.secrets import cert_san, kubernetes_root_secret

_ADDRESSES = "accumulative-no-k8s"


class KubernetesCertSANsController(controller.Controller):
    """Collect the alternative names of the API server's certificate."""

    inputs = (
        controller.weak(kubernetes_root_secret.KubernetesRootSecret, id=kubernetes_root_secret.KUBERNETES_ROOT_ID),
        controller.weak(hostname_status.HostnameStatus, id="hostname"),
        controller.weak(node_address.NodeAddress, id=_ADDRESSES),
    )
    outputs = (controller.shared(cert_san.CertSAN),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the names once hostname and addresses are known."""
        root = await r.find(kubernetes_root_secret.KubernetesRootSecret, kubernetes_root_secret.KUBERNETES_ROOT_ID)
        if root is None:
            return
        hostname = await r.find(hostname_status.HostnameStatus, "hostname")
        addresses = await r.find(node_address.NodeAddress, _ADDRESSES)
        if hostname is None or addresses is None:
            raise errors.NotReady("hostname or addresses are not known")
        host = hostname.spec
        fqdn = f"{host.hostname}.{host.domainname}" if host.domainname else host.hostname
        dns, ips = _certificates.split_names(
            [
                urlsplit(root.spec.endpoint).hostname or "",
                *root.spec.cert_sa_ns,
                "kubernetes",
                "kubernetes.default",
                "kubernetes.default.svc",
                f"kubernetes.default.svc.{root.spec.dns_domain}",
                "localhost",
                host.hostname,
                fqdn,
                *root.spec.api_server_ips,
                # KubePrism forwards to any API server under this address.
                "127.0.0.1",
                *(str(ipaddress.ip_interface(a).ip) for a in addresses.spec.addresses),
            ]
        )
        spec = cert_san.CertSAN.Spec(
            i_ps=tuple(sorted(ips, key=lambda a: ((ip := ipaddress.ip_address(a)).version, int(ip)))),
            dns_names=tuple(sorted(dns)),
            fqdn=fqdn,
        )
        await r.put(cert_san.CertSAN(cert_san.CERT_SAN_KUBERNETES_ID, spec))
