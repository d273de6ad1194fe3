"""Final configurations of the control plane's components: what the user wrote plus the complete command line."""

from __future__ import annotations

import msgspec

from talos.cosi import controller
from talos.k8s import flags, static_pods
from talos.machinery.resources.k8s import api_server_config, controller_manager_config, scheduler_config
from talos.machinery.resources.secrets import kubernetes_root_secret


def final_id(component: str) -> str:
    """Return the id of a component's final configuration."""
    return f"{component}-final"


class ControlPlaneAPIServerFinalController(controller.Controller):
    """kube-apiserver's configuration with its command line."""

    inputs = (
        controller.weak(api_server_config.APIServerConfig, id=static_pods.API_SERVER),
        controller.weak(kubernetes_root_secret.KubernetesRootSecret, id=kubernetes_root_secret.KUBERNETES_ROOT_ID),
    )
    outputs = (controller.shared(api_server_config.APIServerConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the final configuration. Raises Invalid for refused extra arguments."""
        config = await r.find(api_server_config.APIServerConfig, static_pods.API_SERVER)
        root = await r.find(kubernetes_root_secret.KubernetesRootSecret, kubernetes_root_secret.KUBERNETES_ROOT_ID)
        if config is None or root is None:
            return
        args = tuple(flags.api_server(config.spec, root.spec))
        spec = msgspec.structs.replace(config.spec, args=args, extra_args={})
        await r.put(api_server_config.APIServerConfig(final_id(static_pods.API_SERVER), spec))


class ControlPlaneControllerManagerFinalController(controller.Controller):
    """kube-controller-manager's configuration with its command line."""

    inputs = (controller.weak(controller_manager_config.ControllerManagerConfig, id=static_pods.CONTROLLER_MANAGER),)
    outputs = (controller.shared(controller_manager_config.ControllerManagerConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the final configuration. Raises Invalid for refused extra arguments."""
        config = await r.find(controller_manager_config.ControllerManagerConfig, static_pods.CONTROLLER_MANAGER)
        if config is None:
            return
        spec = controller_manager_config.ControllerManagerConfig.Spec(enabled=False)
        if config.spec.enabled:
            args = tuple(flags.controller_manager(config.spec))
            spec = msgspec.structs.replace(config.spec, args=args, extra_args={})
        id = final_id(static_pods.CONTROLLER_MANAGER)
        await r.put(controller_manager_config.ControllerManagerConfig(id, spec))


class ControlPlaneSchedulerFinalController(controller.Controller):
    """kube-scheduler's configuration with its command line and configuration file."""

    inputs = (controller.weak(scheduler_config.SchedulerConfig, id=static_pods.SCHEDULER),)
    outputs = (controller.shared(scheduler_config.SchedulerConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the final configuration. Raises Invalid for refused extra arguments."""
        config = await r.find(scheduler_config.SchedulerConfig, static_pods.SCHEDULER)
        if config is None:
            return
        spec = scheduler_config.SchedulerConfig.Spec(enabled=False)
        if config.spec.enabled:
            spec = msgspec.structs.replace(
                config.spec,
                args=tuple(flags.scheduler(config.spec)),
                extra_args={},
                config=flags.scheduler_configuration(config.spec.config),
            )
        await r.put(scheduler_config.SchedulerConfig(final_id(static_pods.SCHEDULER), spec))
