"""Resource type EtcdEncryptionConfigs.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

ETCD_ENCRYPTION_CONFIG_ID = "k8s"


class EtcdEncryptionConfig(resource.Resource["EtcdEncryptionConfig.Spec"]):
    """How the API server encrypts what it stores."""

    definition = resource.Definition(
        type="EtcdEncryptionConfigs.kubernetes.talos.dev",
        namespace="k8s",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.k8s.EtcdEncryptionConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        configuration: str = ""
