"""The machine configuration as this domain's controllers ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from talos.cosi import controller
from talos.machinery.config import container, v1alpha1, views
from talos.machinery.config.documents.k8s import kube_cluster, kube_talos_api_access
from talos.machinery.resources.config import machine_config
from talos.machinery.resources.k8s import api_server_config

INPUT = controller.weak(machine_config.MachineConfig, id=machine_config.ACTIVE_ID)


async def node(r: controller.Handle) -> container.Container | None:
    """Return the configuration of a node that belongs to a Kubernetes cluster, or None."""
    found = await r.find(machine_config.MachineConfig, machine_config.ACTIVE_ID)
    if found is None:
        return None
    documents = found.documents
    return documents if views.cluster(documents).endpoint else None


async def control_plane(r: controller.Handle) -> container.Container | None:
    """Return the configuration of a control plane node, or None."""
    documents = await node(r)
    return documents if documents is not None and views.machine(documents).is_control_plane else None


def resources(requests: Mapping[str, str], limits: Mapping[str, str]) -> api_server_config.Resources:
    """Return requests and limits as resources have them."""
    return api_server_config.Resources(requests=dict(requests), limits=dict(limits))


def volumes(found: tuple[Any, ...]) -> tuple[api_server_config.ExtraVolume, ...]:
    """Return extra volumes as resources have them; volumes without a name are numbered."""
    return tuple(
        api_server_config.ExtraVolume(
            name=getattr(volume, "name", "") or f"extra-{number}",
            host_path=volume.host_path,
            mount_path=volume.mount_path,
            read_only=bool(getattr(volume, "readonly", getattr(volume, "read_only", False))),
        )
        for number, volume in enumerate(found)
    )


def multi_document(config: container.Container) -> bool:
    """Tell whether Kubernetes is configured by documents, which leave nothing to defaults."""
    return config.one(kube_cluster.KubeClusterConfig) is not None


def external_cloud_provider(config: container.Container) -> bool:
    """Tell whether nodes wait for an external cloud provider."""
    found = _cluster(config).external_cloud_provider
    return found is not None and found.enabled is True


def cloud_provider_manifests(config: container.Container) -> tuple[str, ...]:
    """Return URLs of the cloud provider's manifests."""
    found = _cluster(config).external_cloud_provider
    return tuple(found.manifests) if found is not None and found.enabled else ()


def custom_cni_urls(config: container.Container) -> tuple[str, ...]:
    """Return URLs of a CNI of the user's choice."""
    network = _cluster(config).network
    cni = network.cni if network is not None else None
    return tuple(cni.urls) if cni is not None and cni.name == "custom" else ()


@dataclass(frozen=True, slots=True)
class TalosAPIAccess:
    """Which workloads may use the node API with which roles."""

    roles: tuple[str, ...]
    namespaces: tuple[str, ...]


def talos_api_access(config: container.Container) -> TalosAPIAccess | None:
    """Return the access of workloads to the node API, None if there is none."""
    document = config.one(kube_talos_api_access.KubeTalosAPIAccessConfig)
    if document is not None:
        return TalosAPIAccess(document.allowed_roles, document.allowed_kubernetes_namespaces)
    machine = config.v1alpha1.machine if config.v1alpha1 else None
    legacy = machine.features.kubernetes_talos_api_access if machine and machine.features else None
    if legacy is None or not legacy.enabled:
        return None
    return TalosAPIAccess(tuple(legacy.allowed_roles), tuple(legacy.allowed_kubernetes_namespaces))


def _cluster(config: container.Container) -> v1alpha1.ClusterConfig:
    return (config.v1alpha1.cluster if config.v1alpha1 else None) or v1alpha1.ClusterConfig()


def fs_quota(config: container.Container) -> bool:
    """Tell whether the kubelet may measure ephemeral storage by project quotas."""
    machine = config.v1alpha1.machine if config.v1alpha1 else None
    features = machine.features if machine else None
    return features is not None and features.disk_quota_support is True
