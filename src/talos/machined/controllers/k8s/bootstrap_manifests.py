"""What the bootstrap manifests are rendered from."""

from __future__ import annotations

import msgspec

from talos.base.constants import versions
from talos.cosi import controller
from talos.k8s import network
from talos.k8s.manifests import proxy
from talos.machined.controllers.k8s import _config
from talos.machinery.config import container, views
from talos.machinery.config.documents.k8s import kube_proxy
from talos.machinery.resources.k8s import bootstrap_manifests_config

_Spec = bootstrap_manifests_config.BootstrapManifestsConfig.Spec
_LOCALHOST = "127.0.0.1"


class ControlPlaneBootstrapManifestsController(controller.Controller):
    """Images, addresses and settings of CoreDNS, kube-proxy, flannel and the kubeconfig of add-ons."""

    inputs = (_config.INPUT,)
    outputs = (controller.exclusive(bootstrap_manifests_config.BootstrapManifestsConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the settings of a control plane node. Raises Invalid for refused extra arguments of kube-proxy."""
        config = await _config.control_plane(r)
        if config is None:
            return
        spec = _with_flannel(config, _with_proxy(config, _base(config)))
        id = bootstrap_manifests_config.BOOTSTRAP_MANIFESTS_CONFIG_ID
        await r.put(bootstrap_manifests_config.BootstrapManifestsConfig(id, spec))


def _base(config: container.Container) -> _Spec:
    networks, dns, prism = views.kubernetes_network(config), views.core_dns(config), views.kube_prism(config)
    addresses = [str(a) for a in network.dns_service(networks.service_subnets)]
    return _Spec(
        server=f"https://{_LOCALHOST}:{prism.port}" if prism.enabled else views.cluster(config).endpoint,
        cluster_domain=networks.dns_domain,
        pod_cid_rs=networks.pod_subnets,
        core_dns_enabled=dns.enabled,
        core_dns_image=dns.image,
        dns_service_ip=next((a for a in addresses if ":" not in a), ""),
        dns_service_i_pv6=next((a for a in addresses if ":" in a), ""),
        talos_api_service_enabled=_config.talos_api_access(config) is not None,
    )


def _with_proxy(config: container.Container, spec: _Spec) -> _Spec:
    found, pods = views.proxy(config), views.kubernetes_network(config).pod_subnets
    component = found.component
    spec = msgspec.structs.replace(
        spec,
        proxy_enabled=component.enabled,
        proxy_image=component.image,
        proxy_resources=_config.resources(component.requests, component.limits),
    )
    if config.one(kube_proxy.KubeProxyConfig) is None:
        return msgspec.structs.replace(spec, proxy_args=tuple(proxy.flags(component.extra_args, found.mode, pods)))
    file = proxy.configuration(component.config, found.mode, pods)
    return msgspec.structs.replace(
        spec,
        proxy_args=tuple(proxy.flags_with_file(component.extra_args)),
        proxy_config=file,
        proxy_config_checksum=proxy.checksum(file),
    )


def _with_flannel(config: container.Container, spec: _Spec) -> _Spec:
    if views.cni_name(config) != "flannel":
        return msgspec.structs.replace(spec, cni_name="none")
    found, prism = views.flannel(config), views.kube_prism(config)
    return msgspec.structs.replace(
        spec,
        cni_name="flannel",
        flannel_enabled=True,
        flannel_image=versions.IMAGE_FLANNEL,
        flannel_backend_type=found.backend_type,
        flannel_backend_port=found.backend_port,
        flannel_backend_mtu=found.backend_mtu,
        flannel_backend_extra_config=found.backend_extra,
        flannel_extra_args=found.extra_args,
        flannel_resources=_config.resources(found.requests, found.limits),
        flannel_kube_service_host=_LOCALHOST if prism.enabled else "",
        flannel_kube_service_port=str(prism.port) if prism.enabled else "",
        flannel_kube_network_policies_enabled=found.network_policies,
        flannel_kube_network_policies_image=f"registry.k8s.io/networking/kube-network-policies:{_POLICIES}",
    )


_POLICIES = "v1.1.1"
