"""Names and addresses the API answers to in maintenance mode."""

from __future__ import annotations

import ipaddress

from talos.cosi import controller
from talos.machined.controllers.secrets import _certificates
from talos.machinery.resources.network import hostname_status, node_address
from talos.machinery.resources.secrets import cert_san

COMMON_NAME = "maintenance-service.talos.dev"
_ADDRESSES = "accumulative"


class MaintenanceCertSANsController(controller.Controller):
    """Collect the alternative names of the maintenance certificate; the hostname may not be known yet."""

    name = "secrets.MaintenanceCertSANsController"
    inputs = (
        controller.weak(hostname_status.HostnameStatus, id="hostname"),
        controller.weak(node_address.NodeAddress, id=_ADDRESSES),
    )
    outputs = (controller.shared(cert_san.CertSAN),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the names once the addresses are known."""
        addresses = await r.find(node_address.NodeAddress, _ADDRESSES)
        if addresses is None:
            return
        hostname = await r.find(hostname_status.HostnameStatus, "hostname")
        own = [str(ipaddress.ip_interface(a).ip) for a in addresses.spec.addresses]
        names = [hostname.spec.hostname] if hostname is not None else []
        dns, ips = _certificates.split_names([*names, COMMON_NAME, *own])
        spec = cert_san.CertSAN.Spec(i_ps=tuple(sorted(ips)), dns_names=tuple(sorted(dns)), fqdn=COMMON_NAME)
        await r.put(cert_san.CertSAN(cert_san.CERT_SAN_MAINTENANCE_ID, spec))
