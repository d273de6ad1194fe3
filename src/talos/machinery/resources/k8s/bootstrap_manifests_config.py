"""Resource type BootstrapManifestsConfigs.kubernetes.talos.dev."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.cosi import resource
from talos.machinery.resources.k8s import api_server_config

BOOTSTRAP_MANIFESTS_CONFIG_ID = "manifests"


class BootstrapManifestsConfig(resource.Resource["BootstrapManifestsConfig.Spec"]):
    """What the built-in manifests (DNS, proxy, network plug-in) are rendered from."""

    definition = resource.Definition(
        type="BootstrapManifestsConfigs.kubernetes.talos.dev",
        namespace="controlplane",
        message="talos.resource.definitions.k8s.BootstrapManifestsConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        server: str = msgspec.field(default="", name="string")
        cluster_domain: str = msgspec.field(default="", name="clusterDomain")
        pod_cid_rs: tuple[str, ...] = msgspec.field(default=(), name="podCIDRs")
        proxy_enabled: bool = msgspec.field(default=False, name="proxyEnabled")
        proxy_image: str = msgspec.field(default="", name="proxyImage")
        proxy_args: tuple[str, ...] = msgspec.field(default=(), name="proxyArgs")
        proxy_config: dict[str, Any] = msgspec.field(default_factory=dict, name="proxyConfig")
        proxy_config_checksum: str = msgspec.field(default="", name="proxyConfigChecksum")
        proxy_resources: api_server_config.Resources = msgspec.field(
            default_factory=api_server_config.Resources, name="proxyResources"
        )
        core_dns_enabled: bool = msgspec.field(default=False, name="coreDNSEnabled")
        core_dns_image: str = msgspec.field(default="", name="coreDNSImage")
        dns_service_ip: str = msgspec.field(default="", name="dnsServiceIP")
        dns_service_i_pv6: str = msgspec.field(default="", name="dnsServiceIPv6")
        flannel_enabled: bool = msgspec.field(default=False, name="flannelEnabled")
        flannel_image: str = msgspec.field(default="", name="flannelImage")
        flannel_extra_args: tuple[str, ...] = msgspec.field(default=(), name="flannelExtraArgs")
        flannel_kube_service_host: str = msgspec.field(default="", name="flannelKubeServiceHost")
        flannel_kube_service_port: str = msgspec.field(default="", name="flannelKubeServicePort")
        flannel_kube_network_policies_enabled: bool = msgspec.field(
            default=False, name="flannelKubeNetworkPoliciesEnabled"
        )
        flannel_kube_network_policies_image: str = msgspec.field(default="", name="flannelKubeNetworkPoliciesImage")
        flannel_backend_type: str = msgspec.field(default="", name="flannelBackendType")
        flannel_backend_port: int = msgspec.field(default=0, name="flannelBackendPort")
        flannel_backend_mtu: int = msgspec.field(default=0, name="flannelBackendMTU")
        flannel_backend_extra_config: dict[str, Any] = msgspec.field(
            default_factory=dict, name="flannelBackendExtraConfig"
        )
        flannel_resources: api_server_config.Resources = msgspec.field(
            default_factory=api_server_config.Resources, name="flannelResources"
        )
        pod_security_policy_enabled: bool = msgspec.field(default=False, name="podSecurityPolicyEnabled")
        talos_api_service_enabled: bool = msgspec.field(default=False, name="talosAPIServiceEnabled")
        cni_name: str = msgspec.field(default="", name="cniName")
