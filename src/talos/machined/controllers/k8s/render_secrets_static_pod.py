"""Secrets of the control plane's static pods on disk."""

from __future__ import annotations

from pathlib import Path

from talos.base.constants import paths, users
from talos.cosi import controller
from talos.k8s import flags
from talos.linux import files
from talos.machined.controllers.k8s import _version
from talos.machinery.resources.k8s import etcd_encryption_config, secret_status
from talos.machinery.resources.secrets import (
    etcd_root_secret,
    etcd_secret,
    kubernetes_dynamic_cert,
    kubernetes_root_secret,
    kubernetes_secret,
)
from talos.machinery.types import pem
from talos.pki import x509

_NO_KEY = pem.Key()


class RenderSecretsStaticPodController(controller.Controller):
    """Write certificates, keys, kubeconfigs and the encryption configuration, each for its component's user."""

    inputs = (
        controller.weak(kubernetes_root_secret.KubernetesRootSecret, id=kubernetes_root_secret.KUBERNETES_ROOT_ID),
        controller.weak(etcd_root_secret.EtcdRootSecret, id=etcd_root_secret.ETCD_ROOT_ID),
        controller.weak(kubernetes_secret.KubernetesSecret, id=kubernetes_secret.KUBERNETES_ID),
        controller.weak(
            kubernetes_dynamic_cert.KubernetesDynamicCert, id=kubernetes_dynamic_cert.KUBERNETES_DYNAMIC_CERTS_ID
        ),
        controller.weak(etcd_secret.EtcdSecret, id=etcd_secret.ETCD_ID),
        controller.weak(
            etcd_encryption_config.EtcdEncryptionConfig, id=etcd_encryption_config.ETCD_ENCRYPTION_CONFIG_ID
        ),
    )
    outputs = (controller.exclusive(secret_status.SecretStatus),)

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    async def reconcile(self, r: controller.Handle) -> None:
        """Write the files once every part is known, then say which version is there."""
        root = await r.find(kubernetes_root_secret.KubernetesRootSecret, kubernetes_root_secret.KUBERNETES_ROOT_ID)
        etcd_root = await r.find(etcd_root_secret.EtcdRootSecret, etcd_root_secret.ETCD_ROOT_ID)
        kubeconfigs = await r.find(kubernetes_secret.KubernetesSecret, kubernetes_secret.KUBERNETES_ID)
        certs = await r.find(
            kubernetes_dynamic_cert.KubernetesDynamicCert, kubernetes_dynamic_cert.KUBERNETES_DYNAMIC_CERTS_ID
        )
        etcd = await r.find(etcd_secret.EtcdSecret, etcd_secret.ETCD_ID)
        encryption = await r.find(
            etcd_encryption_config.EtcdEncryptionConfig, etcd_encryption_config.ETCD_ENCRYPTION_CONFIG_ID
        )
        if (
            root is None
            or etcd_root is None
            or kubeconfigs is None
            or certs is None
            or etcd is None
            or encryption is None
        ):
            return
        service_account = (root.spec.service_account or _NO_KEY).key
        accepted = b"".join(ca.crt for ca in root.spec.accepted_c_as)
        issuing = root.spec.issuing_ca or pem.CertificateAndKey()
        aggregator = root.spec.aggregator_ca or pem.CertificateAndKey()
        public = [service_account, *(key.key for key in root.spec.service_account_accepted_keys)]
        api: dict[str, bytes] = {
            "ca.crt": accepted or issuing.crt,
            "etcd-client-ca.crt": (etcd_root.spec.etcd_ca or issuing).crt,
            "aggregator-ca.crt": b"".join(ca.crt for ca in root.spec.accepted_aggregator_c_as) or aggregator.crt,
            "service-account.key": service_account,
            "service-account.pub": b"".join(x509.public_key_pem(key) for key in public),
            "encryptionconfig.yaml": encryption.spec.configuration.encode(),
        }
        for name, pair in {
            "etcd-client": etcd.spec.etcd_api_server,
            "apiserver": certs.spec.api_server,
            "apiserver-kubelet-client": certs.spec.api_server_kubelet_client,
            "front-proxy-client": certs.spec.front_proxy,
        }.items():
            if pair is None:
                return
            api |= {f"{name}.crt": pair.crt, f"{name}.key": pair.key}
        clients = {"client-ca.crt": api["ca.crt"], "aggregator-ca.crt": api["aggregator-ca.crt"]}
        manager = {
            **clients,
            # Pods trust what the API server may be signed by; new certificates come from the issuing authority.
            "ca.crt": issuing.crt,
            "ca.key": issuing.key,
            "service-account.key": service_account,
            "kubeconfig": kubeconfigs.spec.controller_manager_kubeconfig.encode(),
        }
        scheduler = {**clients, "kubeconfig": kubeconfigs.spec.scheduler_kubeconfig.encode()}
        self._write(flags.API_SERVER_SECRETS, users.API_SERVER, api)
        self._write(flags.CONTROLLER_MANAGER_SECRETS, users.CONTROLLER_MANAGER, manager)
        self._write(flags.SCHEDULER_SECRETS, users.SCHEDULER, scheduler)
        audit = self._root / paths.KUBERNETES_AUDIT_LOG.relative_to("/")
        files.directory(audit, mode=0o700, uid=users.API_SERVER, gid=users.API_SERVER)
        contents = {"api": api, "manager": manager, "scheduler": scheduler}
        version = _version.of_files((f"{p}/{n}", data) for p, part in contents.items() for n, data in part.items())
        spec = secret_status.SecretStatus.Spec(ready=True, version=version)
        await r.put(secret_status.SecretStatus(secret_status.STATIC_POD_SECRETS_STATIC_POD_ID, spec))

    def _write(self, directory: Path, user: int, wanted: dict[str, bytes]) -> None:
        where = self._root / directory.relative_to("/")
        files.directory(where, mode=0o700, uid=user, gid=user)
        for name, data in wanted.items():
            files.write(where / name, data, mode=0o400, uid=user, gid=user)
        files.keep_only(where, wanted)
