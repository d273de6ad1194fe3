"""Resource type KubernetesAccessConfigs.cluster.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

CONFIG_ID = "config"


class KubernetesAccessConfig(resource.Resource["KubernetesAccessConfig.Spec"]):
    """Which pods may use the Talos API, and with which roles."""

    definition = resource.Definition(
        type="KubernetesAccessConfigs.cluster.talos.dev",
        namespace="config",
        message="talos.resource.definitions.kubeaccess.ConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        enabled: bool = False
        allowed_api_roles: tuple[str, ...] = msgspec.field(default=(), name="allowedAPIRoles")
        allowed_kubernetes_namespaces: tuple[str, ...] = msgspec.field(default=(), name="allowedKubernetesNamespaces")
