"""kube-apiserver's encryption at rest, rendered."""

from __future__ import annotations

from talos.cosi import controller
from talos.k8s import apiserver_files, encode
from talos.machinery.resources.k8s import etcd_encryption_config
from talos.machinery.resources.secrets import kubernetes_root_secret


class EtcdEncryptionConfigController(controller.Controller):
    """Render the encryption configuration from the cluster's secrets."""

    inputs = (
        controller.weak(kubernetes_root_secret.KubernetesRootSecret, id=kubernetes_root_secret.KUBERNETES_ROOT_ID),
    )
    outputs = (controller.exclusive(etcd_encryption_config.EtcdEncryptionConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the configuration as YAML text."""
        root = await r.find(kubernetes_root_secret.KubernetesRootSecret, kubernetes_root_secret.KUBERNETES_ROOT_ID)
        if root is None:
            return
        text = encode.to_yaml(apiserver_files.encryption(root.spec))
        spec = etcd_encryption_config.EtcdEncryptionConfig.Spec(configuration=text)
        await r.put(etcd_encryption_config.EtcdEncryptionConfig(etcd_encryption_config.ETCD_ENCRYPTION_CONFIG_ID, spec))
