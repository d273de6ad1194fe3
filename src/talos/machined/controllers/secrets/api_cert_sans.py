"""Names and addresses apid answers to."""

from __future__ import annotations

import ipaddress

from talos.base import errors
from talos.cosi import controller
from talos.machined.controllers.secrets import _certificates
from talos.machinery.resources.network import hostname_status, node_address
from talos.machinery.resources.secrets import cert_san, os_root_secret

_ADDRESSES = "accumulative-no-k8s"


class APICertSANsController(controller.Controller):
    """Collect the alternative names of apid's certificate."""

    name = "secrets.APICertSANsController"
    inputs = (
        controller.weak(os_root_secret.OSRootSecret, id=os_root_secret.OS_ROOT_ID),
        controller.weak(hostname_status.HostnameStatus, id="hostname"),
        controller.weak(node_address.NodeAddress, id=_ADDRESSES),
    )
    outputs = (controller.shared(cert_san.CertSAN),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the names once hostname and addresses are known."""
        root = await r.find(os_root_secret.OSRootSecret, os_root_secret.OS_ROOT_ID)
        if root is None:
            return
        hostname = await r.find(hostname_status.HostnameStatus, "hostname")
        addresses = await r.find(node_address.NodeAddress, _ADDRESSES)
        if hostname is None or addresses is None:
            raise errors.NotReady("hostname or addresses are not known")
        host = hostname.spec
        fqdn = f"{host.hostname}.{host.domainname}" if host.domainname else host.hostname
        own = [str(ipaddress.ip_interface(a).ip) for a in addresses.spec.addresses]
        dns, ips = _certificates.split_names(
            [*root.spec.cert_sandns_names, *root.spec.cert_sani_ps, host.hostname, fqdn, "127.0.0.1", "::1", *own]
        )
        spec = cert_san.CertSAN.Spec(i_ps=tuple(sorted(ips)), dns_names=tuple(sorted(dns)), fqdn=fqdn)
        await r.put(cert_san.CertSAN(cert_san.CERT_SANAPI_ID, spec))
