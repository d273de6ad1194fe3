"""Static pods of the control plane, as soon as what they read is on disk."""

from __future__ import annotations

from talos.base import errors
from talos.base.constants import paths
from talos.cosi import controller
from talos.k8s import client, static_pods
from talos.machined import image_cache
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
from talos.machinery.resources.secrets import kubernetes_secret
from talos.machinery.resources.v1alpha1 import service

# Lets the scheduler take its lease. kube-apiserver's hook rbac/bootstrap-roles makes it in the middle of its work, and
# the rest in less time than a pod takes to start.
_ROLE_BINDING = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:kube-scheduler"
_PROBE_S = 0.1
_IMAGES_S = 0.05
_PROBE_TIMEOUT_S = 2.0
STARTED = paths.RUN / "machined" / "control-plane-started"


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
        controller.weak(kubernetes_secret.KubernetesSecret, id=kubernetes_secret.KUBERNETES_ID),
    )
    outputs = (controller.shared(static_pod.StaticPod),)

    def __init__(self, images: image_cache.ImageCache) -> None:
        self._images = images

    async def _followers_may_start(self, r: controller.Handle) -> bool:
        if STARTED.exists():
            return True
        secret = await r.find(kubernetes_secret.KubernetesSecret, kubernetes_secret.KUBERNETES_ID)
        if secret is None:
            return False
        try:
            async with client.Client.from_kubeconfig(
                secret.spec.localhost_admin_kubeconfig, timeout_s=_PROBE_TIMEOUT_S
            ) as api:
                await api.request("GET", _ROLE_BINDING)
        except (OSError, EOFError, TimeoutError, errors.TalosError) as reason:
            r.log.debug("API server is not ready: %s", reason)
            r.wake_after(_PROBE_S)
            return False
        STARTED.parent.mkdir(parents=True, exist_ok=True)
        STARTED.touch()
        r.log.info("the API server has given the scheduler and the controller manager their roles")
        return True

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the pods of all components whose files are written. Raises Invalid for quantities that are none."""
        secrets = await r.find(secret_status.SecretStatus, secret_status.STATIC_POD_SECRETS_STATIC_POD_ID)
        configs = await r.find(config_status.ConfigStatus, config_status.CONFIG_STATUS_STATIC_POD_ID)
        etcd = await r.find(service.Service, "etcd")
        if secrets is None or configs is None or etcd is None:
            return
        if not etcd.spec.running:
            raise errors.NotReady("etcd does not run")
        if not self._images.pods.is_set():
            r.wake_after(_IMAGES_S)
            return

        def versions(config: str, *, files: bool = True) -> static_pods.Versions:
            return static_pods.Versions(secrets.spec.version, config, configs.spec.version if files else "")

        api = await r.find(api_server_config.APIServerConfig, final_id(static_pods.API_SERVER))
        if api is not None:
            pod = static_pods.api_server(api.spec, versions(_version.of_spec(api.spec)))
            await r.put(static_pod.StaticPod(static_pods.API_SERVER, static_pod.StaticPod.Spec(pod=pod)))
        if not await self._followers_may_start(r):
            return
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
