"""Views of what every Kubernetes node needs: kubelet, node object, networks, KubePrism."""

from __future__ import annotations

from typing import Any

import msgspec

from talos.machinery.config import container, defaults
from talos.machinery.config.documents.k8s import (
    kube_credential_provider,
    kube_network,
    kube_node,
    kube_static_pod,
)
from talos.machinery.config.documents.k8s import (
    kube_prism as kube_prism_document,
)
from talos.machinery.config.documents.k8s import kubelet as kubelet_document
from talos.machinery.config.views import machine as views


def args(values: dict[str, str | tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Arguments as the config writes them (one value or a list) -> always a list."""
    return {k: (v,) if isinstance(v, str) else tuple(v) for k, v in values.items()}


class KubernetesNetwork(msgspec.Struct, frozen=True):
    """Cluster networks; mask sizes are of each node's share of the pod network."""

    dns_domain: str
    pod_subnets: tuple[str, ...]
    service_subnets: tuple[str, ...]
    node_mask_ipv4: int
    node_mask_ipv6: int


def kubernetes_network(config: container.Container) -> KubernetesNetwork:
    """Cluster networks."""
    document = config.one(kube_network.KubeNetworkConfig)
    legacy = views.cluster_section(config).network
    source = document or legacy
    return KubernetesNetwork(
        dns_domain=(source.dns_domain if source else "") or defaults.DNS_DOMAIN,
        pod_subnets=(source.pod_subnets if source else ()) or defaults.POD_SUBNETS,
        service_subnets=(source.service_subnets if source else ()) or defaults.SERVICE_SUBNETS,
        node_mask_ipv4=(document.node_cidr_mask_size_ipv4 if document else 0) or 24,
        node_mask_ipv6=(document.node_cidr_mask_size_ipv6 if document else 0) or 64,
    )


class Kubelet(msgspec.Struct, frozen=True):
    """Settings of the kubelet. `extra_config` is merged into KubeletConfiguration."""

    image: str
    cluster_dns: tuple[str, ...]
    extra_args: dict[str, tuple[str, ...]]
    extra_config: dict[str, Any]
    extra_mounts: tuple[dict[str, Any], ...]
    default_seccomp: bool
    disable_manifests_directory: bool
    credential_provider: dict[str, Any]


def kubelet(config: container.Container) -> Kubelet:
    """Settings of the kubelet."""
    provider = config.one(kube_credential_provider.KubeCredentialProviderConfig)
    document = config.one(kubelet_document.KubeletConfig)
    legacy = views.machine_section(config).kubelet
    if document is not None or legacy is None:
        document = document or kubelet_document.KubeletConfig()
        return Kubelet(
            image=document.image,
            cluster_dns=document.cluster_dns,
            extra_args=args(document.extra_args),
            extra_config=document.config or {},
            extra_mounts=(),
            default_seccomp=document.default_runtime_seccomp_profile_enabled is True,
            disable_manifests_directory=True,
            credential_provider=(provider.configuration if provider else None) or {},
        )
    mounts: tuple[dict[str, Any], ...] = tuple(msgspec.to_builtins(m) for m in legacy.extra_mounts)
    return Kubelet(
        image=legacy.image,
        cluster_dns=legacy.cluster_dns,
        extra_args=args(legacy.extra_args),
        extra_config=legacy.extra_config or {},
        extra_mounts=mounts,
        default_seccomp=legacy.default_runtime_seccomp_profile_enabled is True,
        disable_manifests_directory=legacy.disable_manifests_directory is True,
        credential_provider=legacy.credential_provider_config or {},
    )


class Node(msgspec.Struct, frozen=True):
    """How the node appears in Kubernetes."""

    skip_registration: bool
    register_with_fqdn: bool
    valid_subnets: tuple[str, ...]
    labels: dict[str, str]
    annotations: dict[str, str]
    taints: dict[str, str]


def node(config: container.Container) -> Node:
    """Labels, annotations, taints and address choice of the node object."""
    document = config.one(kube_node.KubeNodeConfig)
    if document is not None:
        return Node(
            skip_registration=document.skip_node_registration is True,
            register_with_fqdn=document.register_with_fqdn is True,
            valid_subnets=document.node_ip.valid_subnets if document.node_ip else (),
            labels=document.labels,
            annotations=document.annotations,
            taints=document.taints,
        )
    section, legacy = views.machine_section(config), views.machine_section(config).kubelet
    labels, taints = dict(section.node_labels), dict(section.node_taints)
    if views.machine(config).is_control_plane:
        labels[defaults.CONTROL_PLANE_LABEL] = ""
        cluster = views.cluster_section(config)
        schedulable = cluster.allow_scheduling_on_control_planes or cluster.allow_scheduling_on_masters
        if not schedulable:
            taints[defaults.CONTROL_PLANE_LABEL] = "NoSchedule"
    return Node(
        skip_registration=legacy is not None and legacy.skip_node_registration is True,
        register_with_fqdn=legacy is not None and legacy.register_with_fqdn is True,
        valid_subnets=legacy.node_ip.valid_subnets if legacy and legacy.node_ip else (),
        labels=labels,
        annotations=dict(section.node_annotations),
        taints=taints,
    )


class KubePrism(msgspec.Struct, frozen=True):
    """The balancer over all API servers on 127.0.0.1."""

    enabled: bool
    port: int


def kube_prism(config: container.Container) -> KubePrism:
    """Settings of KubePrism."""
    document = config.one(kube_prism_document.KubePrismConfig)
    if document is not None:
        return KubePrism(enabled=True, port=document.port or defaults.KUBE_PRISM_PORT)
    features = views.machine_section(config).features
    legacy = features.kube_prism if features else None
    if legacy is None:
        return KubePrism(enabled=False, port=defaults.KUBE_PRISM_PORT)
    return KubePrism(legacy.enabled is True, legacy.port or defaults.KUBE_PRISM_PORT)


def static_pods(config: container.Container) -> tuple[dict[str, Any], ...]:
    """Pods of the user that kubelet runs without the API."""
    documents = tuple(d.pod for d in config.all(kube_static_pod.KubeStaticPodConfig) if d.pod)
    return (*views.machine_section(config).pods, *documents)
