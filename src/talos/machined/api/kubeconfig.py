"""Kubeconfig of machine.MachineService: an administrator's access to Kubernetes, made for each call."""

from __future__ import annotations

import datetime
import io
import tarfile
import time
from collections.abc import AsyncIterator
from typing import ClassVar

from google.protobuf import empty_pb2

from talos.base import errors
from talos.cosi import state
from talos.k8s import kubeconfig
from talos.machined.api import Handlers
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.config import container
from talos.machinery.resources.config import machine_config
from talos.machinery.resources.secrets import kubernetes_root_secret
from talos.machinery.rpc import server as rpc
from talos.pki import x509

_LIFETIME = datetime.timedelta(days=365)
_USAGE = x509.Usage(client=True, key_encipherment=True)
_USER = "admin"


def lifetime(config: container.Container) -> datetime.timedelta:
    """Return how long the administrator's certificate is valid: a year, unless the configuration says otherwise."""
    cluster = config.v1alpha1.cluster if config.v1alpha1 else None
    section = cluster.admin_kubeconfig if cluster else None
    return (section.cert_lifetime if section else None) or _LIFETIME


def render(root: kubernetes_root_secret.KubernetesRootSecret.Spec, valid: datetime.timedelta) -> str:
    """Return a kubeconfig with a new certificate of the group system:masters. Raises NotReady without an authority."""
    if root.issuing_ca is None:
        raise errors.NotReady("the node has no Kubernetes authority")
    authority = x509.Authority.load(root.issuing_ca.crt, root.issuing_ca.key)
    pair = authority.issue(x509.Subject(_USER, ("system:masters",)), _USAGE, lifetime=valid)
    ca = b"".join(ca.crt for ca in root.accepted_c_as) or authority.crt_pem
    return kubeconfig.with_certificate(
        cluster=root.name, user=_USER, server=root.endpoint, ca=ca, certificate=pair.crt, key=pair.key
    )


def archive(text: str) -> bytes:
    """Return a gzip-compressed tar with the single file `kubeconfig`."""
    data = text.encode()
    entry = tarfile.TarInfo("kubeconfig")
    entry.size, entry.mode, entry.mtime = len(data), 0o600, int(time.time())
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


class Kubeconfig(Handlers):
    """Kubeconfig."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(self, store: state.State) -> None:
        self._store = store

    async def kubeconfig(self, request: empty_pb2.Empty, call: rpc.Call) -> AsyncIterator[common_pb2.Data]:
        """Send the archive. Raises NotReady on a node that is no control plane."""
        config = await state.find(self._store, machine_config.MachineConfig, machine_config.ACTIVE_ID)
        root = await state.find(
            self._store, kubernetes_root_secret.KubernetesRootSecret, kubernetes_root_secret.KUBERNETES_ROOT_ID
        )
        if config is None or root is None:
            raise errors.NotReady("kubeconfig is available on control plane nodes only")
        yield common_pb2.Data(bytes=archive(render(root.spec, lifetime(config.documents))))
