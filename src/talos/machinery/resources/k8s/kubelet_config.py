"""Resource type KubeletConfigs.kubernetes.talos.dev."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from talos.cosi import resource

KUBELET_ID = "kubelet"


class KubeletConfig(resource.Resource["KubeletConfig.Spec"]):
    """The kubelet's configuration as the machine configuration has it."""

    definition = resource.Definition(
        type="KubeletConfigs.kubernetes.talos.dev",
        namespace="k8s",
        sensitivity=resource.Sensitivity.SENSITIVE,
        message="talos.resource.definitions.k8s.KubeletConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {"extra_args", "extra_mounts", "extra_config", "credential_provider_config", "register_with_taints"}
        )

        image: str = ""
        cluster_dns: tuple[str, ...] = msgspec.field(default=(), name="clusterDNS")
        cluster_domain: str = msgspec.field(default="", name="clusterDomain")
        extra_args: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
        extra_mounts: tuple[dict[str, Any], ...] = msgspec.field(default=(), name="extraMounts")
        extra_config: dict[str, Any] = msgspec.field(default_factory=dict, name="extraConfig")
        cloud_provider_external: bool = msgspec.field(default=False, name="cloudProviderExternal")
        default_runtime_seccomp_enabled: bool = msgspec.field(default=False, name="defaultRuntimeSeccompEnabled")
        skip_node_registration: bool = msgspec.field(default=False, name="skipNodeRegistration")
        static_pod_list_url: str = msgspec.field(default="", name="staticPodListURL")
        disable_manifests_directory: bool = msgspec.field(default=False, name="disableManifestsDirectory")
        enable_fs_quota_monitoring: bool = msgspec.field(default=False, name="enableFSQuotaMonitoring")
        credential_provider_config: dict[str, Any] = msgspec.field(
            default_factory=dict, name="credentialProviderConfig"
        )
        register_with_taints: dict[str, str] = msgspec.field(default_factory=dict, name="registerWithTaints")
