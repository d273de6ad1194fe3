"""Resource type KubernetesSecrets.secrets.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

KUBERNETES_ID = "k8s-certs"


class KubernetesSecret(resource.Resource["KubernetesSecret.Spec"]):
    """Kubeconfigs of the control plane's own clients."""

    definition = resource.Definition(
        type="KubernetesSecrets.secrets.talos.dev",
        namespace="secrets",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.secrets.KubernetesCertsSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        scheduler_kubeconfig: str = msgspec.field(default="", name="schedulerKubeconfig")
        controller_manager_kubeconfig: str = msgspec.field(default="", name="controllerManagerKubeconfig")
        localhost_admin_kubeconfig: str = msgspec.field(default="", name="localhostAdminKubeconfig")
        admin_kubeconfig: str = msgspec.field(default="", name="adminKubeconfig")
