"""Resource type EtcdRootSecrets.secrets.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import pem

ETCD_ROOT_ID = "etcd"


class EtcdRootSecret(resource.Resource["EtcdRootSecret.Spec"]):
    """CA of etcd."""

    definition = resource.Definition(
        type="EtcdRootSecrets.secrets.talos.dev",
        namespace="secrets",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.secrets.EtcdRootSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        etcd_ca: pem.CertificateAndKey | None = msgspec.field(default=None, name="etcdCA")
