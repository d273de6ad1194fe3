"""Static pods of the control plane, as soon as what they read is on disk."""

from __future__ import annotations

from talos.base import errors
from talos.cosi import controller
from talos.k8s import static_pods
from talos.machined.controllers.k8s import _version
from talos.machined.controllers.k8s.control_plane_final import final_id
from talos.machinery.resources.k8s import (
    api_server_config,
    config_status,
    controller_manager_config,
    scheduler_config,
    secret_status,
    static_pod,
)
from talos.machinery.resources.v1alpha1 import service


class ControlPlaneStaticPodController(controller.Controller):
    """Render API server, controller manager and scheduler.

    The original waits for a healthy etcd here. Ours waits until etcd runs, which is a second earlier: the kubelet sets
    up the sandbox meanwhile, and the API server itself waits for etcd. On a node where etcd is not to run yet (before
    bootstrap) there are no pods, so that nothing crashes in a loop and backs off.
    """

    inputs = (
        controller.weak(api_server_config.APIServerConfig, id=final_id(static_pods.API_SERVER)),
        controller.weak(controller_manager_config.ControllerManagerConfig, id=final_id(static_pods.CONTROLLER_MANAGER)),
        controller.weak(scheduler_config.SchedulerConfig, id=final_id(static_pods.SCHEDULER)),
        controller.weak(secret_status.SecretStatus, id=secret_status.STATIC_POD_SECRETS_STATIC_POD_ID),
        controller.weak(config_status.ConfigStatus, id=config_status.CONFIG_STATUS_STATIC_POD_ID),
        controller.weak(service.Service, id="etcd"),
    )
    outputs = (controller.shared(static_pod.StaticPod),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the pods of all components whose files are written. Raises Invalid for quantities that are none."""
        secrets = await r.find(secret_status.SecretStatus, secret_status.STATIC_POD_SECRETS_STATIC_POD_ID)
        configs = await r.find(config_status.ConfigStatus, config_status.CONFIG_STATUS_STATIC_POD_ID)
        etcd = await r.find(service.Service, "etcd")
        if secrets is None or configs is None or etcd is None:
            return
        if not etcd.spec.running:
            raise errors.NotReady("etcd does not run")

        def versions(config: str, *, files: bool = True) -> static_pods.Versions:
            return static_pods.Versions(secrets.spec.version, config, configs.spec.version if files else "")

        api = await r.find(api_server_config.APIServerConfig, final_id(static_pods.API_SERVER))
        if api is not None:
            pod = static_pods.api_server(api.spec, versions(_version.of_spec(api.spec)))
            await r.put(static_pod.StaticPod(static_pods.API_SERVER, static_pod.StaticPod.Spec(pod=pod)))
        manager = await r.find(
            controller_manager_config.ControllerManagerConfig, final_id(static_pods.CONTROLLER_MANAGER)
        )
        if manager is not None and manager.spec.enabled:
            pod = static_pods.controller_manager(manager.spec, versions(_version.of_spec(manager.spec), files=False))
            await r.put(static_pod.StaticPod(static_pods.CONTROLLER_MANAGER, static_pod.StaticPod.Spec(pod=pod)))
        scheduler = await r.find(scheduler_config.SchedulerConfig, final_id(static_pods.SCHEDULER))
        if scheduler is not None and scheduler.spec.enabled:
            pod = static_pods.scheduler(scheduler.spec, versions(_version.of_spec(scheduler.spec)))
            await r.put(static_pod.StaticPod(static_pods.SCHEDULER, static_pod.StaticPod.Spec(pod=pod)))
