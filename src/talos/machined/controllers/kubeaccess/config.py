"""Access of workloads to the node API, taken from the machine configuration."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.config import views
from talos.machinery.config.documents.k8s import kube_talos_api_access
from talos.machinery.resources.config import machine_config
from talos.machinery.resources.kubeaccess import kubernetes_access_config


class ConfigController(controller.Controller):
    """Roles and namespaces that may use the node API."""

    inputs = (controller.weak(machine_config.MachineConfig, id=machine_config.ACTIVE_ID),)
    outputs = (controller.exclusive(kubernetes_access_config.KubernetesAccessConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the settings of a control plane node."""
        found = await r.find(machine_config.MachineConfig, machine_config.ACTIVE_ID)
        if found is None or not views.machine(found.documents).is_control_plane:
            return
        document = found.documents.one(kube_talos_api_access.KubeTalosAPIAccessConfig)
        machine = found.documents.v1alpha1.machine if found.documents.v1alpha1 else None
        legacy = machine.features.kubernetes_talos_api_access if machine and machine.features else None
        spec = kubernetes_access_config.KubernetesAccessConfig.Spec()
        if document is not None:
            spec = kubernetes_access_config.KubernetesAccessConfig.Spec(
                enabled=True,
                allowed_api_roles=document.allowed_roles,
                allowed_kubernetes_namespaces=document.allowed_kubernetes_namespaces,
            )
        elif legacy is not None and legacy.enabled:
            spec = kubernetes_access_config.KubernetesAccessConfig.Spec(
                enabled=True,
                allowed_api_roles=tuple(legacy.allowed_roles),
                allowed_kubernetes_namespaces=tuple(legacy.allowed_kubernetes_namespaces),
            )
        await r.put(kubernetes_access_config.KubernetesAccessConfig(kubernetes_access_config.CONFIG_ID, spec))
