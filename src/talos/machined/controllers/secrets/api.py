"""Certificates of apid: signed here on control planes, asked of trustd on workers.

A control plane has the authority's key: it issues a server certificate and, for the hop to other nodes, a client
certificate as impersonator. A worker has neither; it sends a request with the machine token to trustd of the control
planes and takes over the accepted authorities that come back. It never gets a client certificate. Without a
configuration there is no authority to answer to: the certificate is of one made for maintenance mode, and
clients need none.
"""

from __future__ import annotations

import datetime
import ipaddress
import random
import ssl

from talos.base import errors
from talos.base.constants import ports
from talos.cosi import controller
from talos.machined.controllers.secrets import _certificates
from talos.machinery.api import methods
from talos.machinery.api._generated.security import security_pb2
from talos.machinery.resources.config import machine_type
from talos.machinery.resources.k8s import endpoint
from talos.machinery.resources.network import network_status
from talos.machinery.resources.secrets import api_certificate, cert_san, maintenance_root_secret, os_root_secret
from talos.machinery.rpc import channel, status
from talos.machinery.types import pem
from talos.machinery.types.machine import MachineType
from talos.pki import x509

IMPERSONATOR = "os:impersonator"
_LIFETIME = x509.SERVER_LIFETIME
_REQUEST_TIMEOUT_S = 10.0
_RETRY_S = 2.0


def accepted(root: os_root_secret.OSRootSecret.Spec) -> tuple[pem.Certificate, ...]:
    """Authorities clients may come from, the issuing one first."""
    return root.accepted_c_as


class APIController(controller.Controller):
    """Keep apid's certificates fresh."""

    name = "secrets.APIController"
    inputs = (
        controller.weak(os_root_secret.OSRootSecret, id=os_root_secret.OS_ROOT_ID),
        controller.weak(maintenance_root_secret.MaintenanceRootSecret, id=maintenance_root_secret.MAINTENANCE_ROOT_ID),
        controller.weak(cert_san.CertSAN, id=cert_san.CERT_SANAPI_ID),
        controller.weak(cert_san.CertSAN, id=cert_san.CERT_SAN_MAINTENANCE_ID),
        controller.weak(machine_type.MachineType, id=machine_type.MACHINE_TYPE_ID),
        controller.weak(network_status.NetworkStatus, id=network_status.STATUS_ID),
        controller.weak(endpoint.Endpoint, namespace="controlplane"),
    )
    outputs = (controller.exclusive(api_certificate.ApiCertificate),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put certificates for the present names; keep those that will do."""
        root = await r.find(os_root_secret.OSRootSecret, os_root_secret.OS_ROOT_ID)
        sans = await r.find(cert_san.CertSAN, cert_san.CERT_SANAPI_ID)
        kind = await r.find(machine_type.MachineType, machine_type.MACHINE_TYPE_ID)
        found = await r.find(api_certificate.ApiCertificate, api_certificate.API_ID)
        present = found.spec if found is not None else api_certificate.ApiCertificate.Spec()
        if root is None:
            await self._maintenance(r, present)
            return
        if sans is None or kind is None:
            return
        if present.skip_verifying_client_cert:
            present = api_certificate.ApiCertificate.Spec()
        if kind.spec.machine_type is MachineType.WORKER:
            spec = await self._worker(r, root.spec, sans.spec, present)
        else:
            spec = self._control_plane(r, root.spec, sans.spec, present)
        await r.put(api_certificate.ApiCertificate(api_certificate.API_ID, spec))

    async def _maintenance(self, r: controller.Handle, present: api_certificate.ApiCertificate.Spec) -> None:
        """A certificate of the maintenance authority, while there is one."""
        found = await r.find(maintenance_root_secret.MaintenanceRootSecret, maintenance_root_secret.MAINTENANCE_ROOT_ID)
        sans = await r.find(cert_san.CertSAN, cert_san.CERT_SAN_MAINTENANCE_ID)
        if found is None or sans is None:
            return
        issuer = _certificates.Issuer(_certificates.authority(found.spec.ca, "maintenance CA"), lifetime=_LIFETIME)
        server = issuer.pair(present.server, _subject(sans.spec), x509.SERVER)
        r.wake_after(issuer.renew_in_s())
        spec = api_certificate.ApiCertificate.Spec(
            accepted_c_as=(pem.Certificate(crt=issuer.authority.crt_pem),),
            server=server,
            skip_verifying_client_cert=True,
        )
        await r.put(api_certificate.ApiCertificate(api_certificate.API_ID, spec))

    def _control_plane(
        self,
        r: controller.Handle,
        root: os_root_secret.OSRootSecret.Spec,
        sans: cert_san.CertSAN.Spec,
        present: api_certificate.ApiCertificate.Spec,
    ) -> api_certificate.ApiCertificate.Spec:
        issuer = _certificates.Issuer(_certificates.authority(root.issuing_ca, "machine CA"), lifetime=_LIFETIME)
        server = issuer.pair(present.server, _subject(sans), x509.SERVER)
        client = issuer.pair(present.client, x509.Subject(sans.fqdn, (IMPERSONATOR,)), x509.CLIENT)
        r.wake_after(issuer.renew_in_s())
        return api_certificate.ApiCertificate.Spec(accepted_c_as=accepted(root), client=client, server=server)

    async def _worker(
        self,
        r: controller.Handle,
        root: os_root_secret.OSRootSecret.Spec,
        sans: cert_san.CertSAN.Spec,
        present: api_certificate.ApiCertificate.Spec,
    ) -> api_certificate.ApiCertificate.Spec:
        left_s = _worker_keeps_s(present.server, _subject(sans), root)
        if left_s > 0:
            r.wake_after(left_s)
            return present
        endpoints = await r.list(endpoint.Endpoint, namespace="controlplane")
        addresses = sorted({a for e in endpoints for a in e.spec.addresses})
        if not addresses:
            raise errors.NotReady("no control plane endpoint is known")
        ca_bundle = b"\n".join(c.crt for c in accepted(root))
        key = x509.key_like_public(ca_bundle)
        request = x509.make_request(key, _subject(sans))
        bundle, crt = await ask_trustd(addresses, root.token, ca_bundle, request)
        certificates = tuple(pem.Certificate(crt=x509.encode_certificate(c)) for c in x509.load_certificates(bundle))
        server = pem.CertificateAndKey(crt=crt, key=x509.encode_key(key))
        r.wake_after(_LIFETIME.total_seconds() / 2)
        return api_certificate.ApiCertificate.Spec(accepted_c_as=certificates, server=server)


def _subject(sans: cert_san.CertSAN.Spec) -> x509.Subject:
    return x509.Subject(sans.fqdn, (), sans.dns_names, sans.i_ps)


def _worker_keeps_s(
    pair: pem.CertificateAndKey | None, subject: x509.Subject, root: os_root_secret.OSRootSecret.Spec
) -> float:
    """Seconds for which a worker keeps its certificate; 0 when it needs a new one now."""
    if pair is None or not pair.crt:
        return 0.0
    try:
        certificate = x509.load_certificates(pair.crt)[0]
    except errors.Invalid:
        return 0.0
    if not _certificates.says(certificate, subject):
        return 0.0
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    left = start + (end - start) / 2 - datetime.datetime.now(datetime.UTC)
    return max(left.total_seconds(), 0.0)


def _tls(ca_bundle: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=ca_bundle.decode())
    context.set_alpn_protocols(["h2"])
    return context


async def ask_trustd(addresses: list[str], token: str, ca_bundle: bytes, request: bytes) -> tuple[bytes, bytes]:
    """Ask the control planes, in random order, to sign a request; return (accepted authorities, certificate), PEM.

    Raises Temporary with the last reason when none did.
    """
    method = methods.method("/securityapi.SecurityService/Certificate")
    reason = ""
    for address in random.sample(addresses, len(addresses)):
        asked = channel.Channel.tcp(_host(address), ports.TRUSTD, tls=_tls(ca_bundle))
        try:
            reply = await asked.unary(
                method,
                security_pb2.CertificateRequest(csr=request),
                metadata={"token": token},
                timeout_s=_REQUEST_TIMEOUT_S,
            )
        except status.RpcError as error:
            reason = f"trustd of {address}: {error.message}"
            continue
        finally:
            asked.close()
        return reply.ca, reply.crt
    raise errors.Temporary(reason, _RETRY_S)


def _host(address: str) -> str:
    return str(ipaddress.ip_address(address.partition("/")[0]))
