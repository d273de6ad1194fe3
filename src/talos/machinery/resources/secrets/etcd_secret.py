"""Resource type EtcdSecrets.secrets.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import pem

ETCD_ID = "etcd"


class EtcdSecret(resource.Resource["EtcdSecret.Spec"]):
    """Certificates of etcd and its clients on this node."""

    definition = resource.Definition(
        type="EtcdSecrets.secrets.talos.dev",
        namespace="secrets",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.secrets.EtcdCertsSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        etcd: pem.CertificateAndKey | None = None
        etcd_peer: pem.CertificateAndKey | None = msgspec.field(default=None, name="etcdPeer")
        etcd_admin: pem.CertificateAndKey | None = msgspec.field(default=None, name="etcdAdmin")
        etcd_api_server: pem.CertificateAndKey | None = msgspec.field(default=None, name="etcdAPIServer")
