"""Certificates of etcd: server, peer, the node's own client, and kube-apiserver's client."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from talos.base import errors
from talos.base.constants import paths
from talos.cosi import controller
from talos.k8s import flags
from talos.machined.controllers.secrets import _certificates
from talos.machinery.resources.network import hostname_status, network_status, node_address
from talos.machinery.resources.secrets import etcd_root_secret, etcd_secret
from talos.machinery.resources.time import time_status
from talos.pki import x509

_ADDRESSES = "accumulative-no-k8s"


class EtcdController(controller.Controller):
    """Issue etcd's certificates for this node's names and addresses."""

    inputs = (
        controller.weak(etcd_root_secret.EtcdRootSecret, id=etcd_root_secret.ETCD_ROOT_ID),
        controller.weak(network_status.NetworkStatus, id=network_status.STATUS_ID),
        controller.weak(time_status.TimeStatus, id=time_status.STATUS_ID),
        controller.weak(hostname_status.HostnameStatus, id="hostname"),
        controller.weak(node_address.NodeAddress, id=_ADDRESSES),
    )
    outputs = (controller.exclusive(etcd_secret.EtcdSecret),)

    def __init__(self, directory: Path = paths.ETCD_PKI, api_server: Path = flags.API_SERVER_SECRETS) -> None:
        self._directory, self._api_server = directory, api_server

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the certificates once network and time are settled."""
        root = await r.find(etcd_root_secret.EtcdRootSecret, etcd_root_secret.ETCD_ROOT_ID)
        if root is None:
            return
        network = await r.find(network_status.NetworkStatus, network_status.STATUS_ID)
        if network is None or not (network.spec.address_ready and network.spec.hostname_ready):
            raise errors.NotReady("network is not ready")
        synced = await r.find(time_status.TimeStatus, time_status.STATUS_ID)
        if synced is None or not synced.spec.synced:
            raise errors.NotReady("time is not in sync")
        hostname = await r.find(hostname_status.HostnameStatus, "hostname")
        addresses = await r.find(node_address.NodeAddress, _ADDRESSES)
        if hostname is None or addresses is None:
            raise errors.NotReady("hostname or addresses are not known")
        known = await r.find(etcd_secret.EtcdSecret, etcd_secret.ETCD_ID)
        old = known.spec if known else self._left_behind()
        issuer = _certificates.Issuer(_certificates.authority(root.spec.etcd_ca, "etcd CA"), x509.CA_LIFETIME)
        name = hostname.spec.hostname
        own = [str(ipaddress.ip_interface(a).ip) for a in addresses.spec.addresses]
        dns, ips = _certificates.split_names(["localhost", name, _fqdn(hostname.spec), *own, "127.0.0.1", "::1"])
        node = x509.Subject(name, (), tuple(dns), tuple(ips))
        spec = etcd_secret.EtcdSecret.Spec(
            # etcd presents its server certificate as a client too, to its own gRPC gateway.
            etcd=issuer.pair(old.etcd, node, x509.BOTH),
            etcd_peer=issuer.pair(old.etcd_peer, node, x509.BOTH),
            etcd_admin=issuer.pair(old.etcd_admin, x509.Subject("talos"), x509.CLIENT),
            etcd_api_server=issuer.pair(old.etcd_api_server, x509.Subject("kube-apiserver"), x509.CLIENT),
        )
        await r.put(etcd_secret.EtcdSecret(etcd_secret.ETCD_ID, spec))
        r.wake_after(issuer.renew_in_s())

    def _left_behind(self) -> etcd_secret.EtcdSecret.Spec:
        return etcd_secret.EtcdSecret.Spec(
            etcd=_certificates.left_behind(self._directory, "server"),
            etcd_peer=_certificates.left_behind(self._directory, "peer"),
            etcd_admin=_certificates.left_behind(self._directory, "admin"),
            etcd_api_server=_certificates.left_behind(self._api_server, "etcd-client"),
        )


def _fqdn(spec: hostname_status.HostnameStatus.Spec) -> str:
    return f"{spec.hostname}.{spec.domainname}" if spec.domainname else spec.hostname
