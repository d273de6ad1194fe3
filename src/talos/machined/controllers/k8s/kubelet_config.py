"""The kubelet's configuration, taken from the machine configuration."""

from __future__ import annotations

from talos.base.constants import versions
from talos.cosi import controller
from talos.k8s import network
from talos.machined.controllers.k8s import _config
from talos.machinery.config import views
from talos.machinery.resources.k8s import kubelet_config, static_pod_server_status


class KubeletConfigController(controller.Controller):
    """Settings of the kubelet, with the place it takes static pods from."""

    inputs = (
        _config.INPUT,
        controller.weak(
            static_pod_server_status.StaticPodServerStatus,
            id=static_pod_server_status.STATIC_POD_SERVER_STATUS_RESOURCE_ID,
        ),
    )
    outputs = (controller.exclusive(kubelet_config.KubeletConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the settings once the static pod server listens."""
        config = await _config.node(r)
        server = await r.find(
            static_pod_server_status.StaticPodServerStatus,
            static_pod_server_status.STATIC_POD_SERVER_STATUS_RESOURCE_ID,
        )
        if config is None or server is None:
            return
        found, networks, node = views.kubelet(config), views.kubernetes_network(config), views.node(config)
        dns = found.cluster_dns or tuple(str(a) for a in network.dns_service(networks.service_subnets))
        spec = kubelet_config.KubeletConfig.Spec(
            image=found.image or versions.IMAGE_KUBELET,
            cluster_dns=dns,
            cluster_domain=networks.dns_domain,
            extra_args=found.extra_args,
            extra_mounts=found.extra_mounts,
            extra_config=found.extra_config,
            cloud_provider_external=_config.external_cloud_provider(config),
            default_runtime_seccomp_enabled=found.default_seccomp,
            skip_node_registration=node.skip_registration,
            static_pod_list_url=server.spec.url,
            disable_manifests_directory=found.disable_manifests_directory,
            enable_fs_quota_monitoring=_config.fs_quota(config),
            credential_provider_config=found.credential_provider,
            register_with_taints=node.taints,
        )
        await r.put(kubelet_config.KubeletConfig(kubelet_config.KUBELET_ID, spec))
