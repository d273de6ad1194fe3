"""Certificate of trustd, on control planes."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.controllers.secrets import _certificates, api
from talos.machinery.resources.config import machine_type
from talos.machinery.resources.network import network_status
from talos.machinery.resources.secrets import cert_san, os_root_secret, trustd_certificate
from talos.machinery.types.machine import MachineType
from talos.pki import x509


class TrustdController(controller.Controller):
    """Keep trustd's server certificate fresh."""

    name = "secrets.TrustdController"
    inputs = (
        controller.weak(os_root_secret.OSRootSecret, id=os_root_secret.OS_ROOT_ID),
        controller.weak(cert_san.CertSAN, id=cert_san.CERT_SANAPI_ID),
        controller.weak(machine_type.MachineType, id=machine_type.MACHINE_TYPE_ID),
        controller.weak(network_status.NetworkStatus, id=network_status.STATUS_ID),
    )
    outputs = (controller.exclusive(trustd_certificate.TrustdCertificate),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put a certificate for the present names; keep one that will do."""
        root = await r.find(os_root_secret.OSRootSecret, os_root_secret.OS_ROOT_ID)
        sans = await r.find(cert_san.CertSAN, cert_san.CERT_SANAPI_ID)
        kind = await r.find(machine_type.MachineType, machine_type.MACHINE_TYPE_ID)
        if root is None or sans is None or kind is None or kind.spec.machine_type is MachineType.WORKER:
            return
        issuer = _certificates.Issuer(
            _certificates.authority(root.spec.issuing_ca, "machine CA"), lifetime=x509.SERVER_LIFETIME
        )
        found = await r.find(trustd_certificate.TrustdCertificate, trustd_certificate.TRUSTD_ID)
        subject = x509.Subject(sans.spec.fqdn, (), sans.spec.dns_names, sans.spec.i_ps)
        server = issuer.pair(found.spec.server if found is not None else None, subject, x509.SERVER)
        r.wake_after(issuer.renew_in_s())
        spec = trustd_certificate.TrustdCertificate.Spec(accepted_c_as=api.accepted(root.spec), server=server)
        await r.put(trustd_certificate.TrustdCertificate(trustd_certificate.TRUSTD_ID, spec))
