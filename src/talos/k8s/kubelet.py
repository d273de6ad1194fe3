"""The kubelet's configuration and command line.

`configuration` is pure: what the user gave in extraConfig, the fields the node insists on, defaults for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from talos.base import errors
from talos.base.constants import paths, ports, users
from talos.k8s import args, component
from talos.k8s.args import Merge
from talos.k8s.encode import Object

if TYPE_CHECKING:
    from talos.machinery.resources.k8s import kubelet_config

CONFIG_FILE: Final = paths.KUBERNETES_CONFIG / "kubelet.yaml"
CREDENTIAL_PROVIDER_BINARIES: Final = "/usr/local/lib/kubelet/credentialproviders"
CREDENTIAL_PROVIDER_CONFIG: Final = paths.KUBERNETES_CONFIG / "kubelet-credentialproviderconfig.yaml"

PROTECTED_FIELDS: Final = (
    "apiVersion", "authentication", "authorization", "cgroupRoot", "kind", "kubeletCgroups", "port",
    "protectKernelDefaults", "resolvConf", "rotateCertificates", "seccompDefault", "staticPodPath", "systemCgroups",
)  # fmt: skip

_POLICIES: Final = {
    **dict.fromkeys(
        ("bootstrap-kubeconfig", "kubeconfig", "container-runtime", "container-runtime-endpoint", "config", "cert-dir"),
        Merge.DENIED,
    ),
    "feature-gates": Merge.ADDITIVE,
}
_SYSTEM_RESERVED: Final = {"cpu": "50m", "pid": "100", "ephemeral-storage": "256Mi"}
_SYSTEM_RESERVED_MEMORY: Final = {True: "512Mi", False: "384Mi"}


@dataclass(frozen=True, slots=True)
class Host:
    """What the kubelet's configuration must know of the node it runs on."""

    control_plane: bool
    container: bool
    """The node is itself a container: kernel parameters and devices belong to somebody else."""
    cgroup_v1: bool
    system_cgroups: str = "/system"
    kubelet_cgroups: str = "/podruntime/kubelet"
    cgroup_root: str = "/"


def configuration(spec: kubelet_config.KubeletConfig.Spec, host: Host) -> Object:
    """Return KubeletConfiguration (v1beta1). Raises Invalid for protected fields in extraConfig."""
    refused = [field for field in PROTECTED_FIELDS if field in spec.extra_config]
    if refused:
        raise errors.Invalid(
            [errors.Problem("the field is managed by the node and cannot be overridden", path=f) for f in refused]
        )
    required = _required(spec, host)
    config = {**_defaults(spec, host), **spec.extra_config, **required}
    if spec.enable_fs_quota_monitoring:
        gates = config.get("featureGates")
        gates = dict(gates) if isinstance(gates, Mapping) else {}
        config["featureGates"] = {"LocalStorageCapacityIsolationFSQuotaMonitoring": True, **gates}
    if not spec.skip_node_registration and "register-with-taints" not in spec.extra_args:
        taints = _taints(spec.register_with_taints, config.get("registerWithTaints"))
        if taints:
            config["registerWithTaints"] = taints
    return config


def _required(spec: kubelet_config.KubeletConfig.Spec, host: Host) -> Object:
    standalone = spec.skip_node_registration
    found: Object = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": not standalone},
            "x509": {"clientCAFile": str(paths.KUBERNETES_CA)},
        },
        "authorization": {"mode": "AlwaysAllow" if standalone else "Webhook"},
        "cgroupRoot": host.cgroup_root,
        "containerRuntimeEndpoint": f"unix://{paths.CONTAINERD_SOCKET}",
        "kubeletCgroups": host.kubelet_cgroups,
        "port": ports.KUBELET,
        "protectKernelDefaults": not host.container,
        "resolvConf": str(paths.POD_RESOLV_CONF),
        "rotateCertificates": True,
        "systemCgroups": host.system_cgroups,
    }
    if not spec.disable_manifests_directory:
        found["staticPodPath"] = str(paths.KUBERNETES_MANIFESTS)
    if spec.static_pod_list_url:
        found["staticPodURL"] = spec.static_pod_list_url
        # The default of 20 s would be the wait for a pod that is served a moment after the kubelet's first look.
        found["httpCheckFrequency"] = "1s"
    if spec.default_runtime_seccomp_enabled:
        found["seccompDefault"] = True
    return found


def _defaults(spec: kubelet_config.KubeletConfig.Spec, host: Host) -> Object:
    found: Object = {
        "address": "0.0.0.0",
        # What runc and containerd are set to; systemd is not on the node.
        "cgroupDriver": "cgroupfs",
        "clusterDNS": list(spec.cluster_dns),
        "clusterDomain": spec.cluster_domain,
        "failSwapOn": False,
        "logging": {"format": "json"},
        "oomScoreAdj": users.KUBELET_OOM_SCORE_ADJ,
        "serializeImagePulls": False,
        "shutdownGracePeriod": "30s",
        "shutdownGracePeriodCriticalPods": "10s",
        "streamingConnectionIdleTimeout": "5m0s",
        "systemReserved": {**_SYSTEM_RESERVED, "memory": _SYSTEM_RESERVED_MEMORY[host.control_plane]},
        "tlsMinVersion": "VersionTLS13",
    }
    if host.cgroup_v1 and component.version(spec.image) >= (1, 31):
        found["failCgroupV1"] = False
    if host.container:
        # No logind reaches a node that is a container, and the machine's shutdown is not the node's.
        found |= {"shutdownGracePeriod": "0s", "shutdownGracePeriodCriticalPods": "0s"}
    return found


def _taints(registered: Mapping[str, str], given: object) -> list[Object]:
    """Unite taints of the node configuration (`key: value:effect`) with those the user put into extraConfig."""
    found: list[Object] = [dict(t) for t in given if isinstance(t, Mapping)] if isinstance(given, list) else []
    known = {taint.get("key") for taint in found}
    for key, text in registered.items():
        if key in known:
            continue
        value, effect = parse_taint(text)
        found.append({"key": key, "effect": effect, **({"value": value} if value else {})})
    return sorted(found, key=lambda taint: str(taint.get("key")))


def parse_taint(text: str) -> tuple[str, str]:
    """Split the configuration's `value:Effect` or `Effect` into (value, effect)."""
    value, separator, effect = text.rpartition(":")
    return (value, effect) if separator else ("", text)


def command_line(spec: kubelet_config.KubeletConfig.Spec, nodename: str, node_ips: Sequence[str]) -> list[str]:
    """Return the kubelet's arguments. `node_ips` is ignored when the user gave node-ip. Raises Invalid."""
    base: args.Args = {
        "config": [str(CONFIG_FILE)],
        "cert-dir": [str(paths.KUBELET_PKI)],
        "hostname-override": [nodename],
    }
    if not spec.skip_node_registration:
        base["bootstrap-kubeconfig"] = [str(paths.KUBELET_BOOTSTRAP_KUBECONFIG)]
        base["kubeconfig"] = [str(paths.KUBELET_KUBECONFIG)]
    if spec.cloud_provider_external:
        base["cloud-provider"] = ["external"]
    if spec.credential_provider_config:
        base["image-credential-provider-bin-dir"] = [CREDENTIAL_PROVIDER_BINARIES]
        base["image-credential-provider-config"] = [str(CREDENTIAL_PROVIDER_CONFIG)]
    if node_ips:
        base["node-ip"] = [",".join(node_ips)]
    return args.command_line(args.merge(base, spec.extra_args, _POLICIES))


def expected_nodename(spec: kubelet_config.KubeletConfig.Spec, nodename: str) -> str:
    """Return the node name certificates must carry; empty when the user overrides the name."""
    return "" if "hostname-override" in spec.extra_args else nodename
