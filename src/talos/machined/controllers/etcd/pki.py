"""etcd's certificates on disk, readable by etcd's user only."""

from __future__ import annotations

from pathlib import Path

from talos.base.constants import paths, users
from talos.cosi import controller
from talos.linux import files
from talos.machinery.resources.etcd import pki_status
from talos.machinery.resources.secrets import etcd_root_secret, etcd_secret


class PKIController(controller.Controller):
    """Write CA, server, peer and admin certificates to /system/secrets/etcd and say which version is there."""

    inputs = (
        controller.weak(etcd_root_secret.EtcdRootSecret, id=etcd_root_secret.ETCD_ROOT_ID),
        controller.weak(etcd_secret.EtcdSecret, id=etcd_secret.ETCD_ID),
    )
    outputs = (controller.exclusive(pki_status.PKIStatus),)

    def __init__(self, directory: Path = paths.ETCD_PKI) -> None:
        self._directory = directory

    async def reconcile(self, r: controller.Handle) -> None:
        """Write the files once all certificates exist."""
        root = await r.find(etcd_root_secret.EtcdRootSecret, etcd_root_secret.ETCD_ROOT_ID)
        certs = await r.find(etcd_secret.EtcdSecret, etcd_secret.ETCD_ID)
        if root is None or certs is None or root.spec.etcd_ca is None:
            return
        wanted: dict[str, bytes] = {"ca.crt": root.spec.etcd_ca.crt}
        pairs = {"server": certs.spec.etcd, "peer": certs.spec.etcd_peer, "admin": certs.spec.etcd_admin}
        for name, pair in pairs.items():
            if pair is not None:
                wanted |= {f"{name}.crt": pair.crt, f"{name}.key": pair.key}
        files.directory(self._directory, mode=0o700, uid=users.ETCD, gid=users.ETCD)
        for name, data in wanted.items():
            files.write(self._directory / name, data, mode=0o400, uid=users.ETCD, gid=users.ETCD)
        files.keep_only(self._directory, wanted)
        version = root.metadata.version_text + certs.metadata.version_text
        await r.put(pki_status.PKIStatus(pki_status.PKI_ID, pki_status.PKIStatus.Spec(ready=True, version=version)))
