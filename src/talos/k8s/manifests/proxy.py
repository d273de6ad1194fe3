"""kube-proxy: services on every node, by nftables unless the user says otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from talos.base.constants import paths
from talos.k8s import args, encode, static_pods
from talos.k8s.args import Merge
from talos.k8s.encode import Object
from talos.k8s.manifests import build

if TYPE_CHECKING:
    from talos.machinery.resources.k8s import bootstrap_manifests_config

DEFAULT_MODE: Final = "nftables"
_LABELS: Final = {"k8s-app": "kube-proxy", "tier": "node"}
_KUBECONFIG: Final = paths.KUBERNETES_CONFIG / "kubeconfig"
_CONFIG_DIRECTORY: Final = "/var/lib/kube-proxy"


def flags(extra: Mapping[str, Sequence[str]], mode: str, pod_cidrs: Sequence[str]) -> list[str]:
    """Return kube-proxy's arguments without a configuration file. Raises Invalid."""
    base = {
        "cluster-cidr": [",".join(pod_cidrs)],
        "conntrack-max-per-core": ["0"],
        "hostname-override": ["$(NODE_NAME)"],
        "kubeconfig": [str(_KUBECONFIG)],
        "proxy-mode": [mode or DEFAULT_MODE],
    }
    return args.command_line(args.merge(base, extra, {"kubeconfig": Merge.DENIED}))


def flags_with_file(extra: Mapping[str, Sequence[str]]) -> list[str]:
    """Return kube-proxy's arguments with a configuration file. Raises Invalid."""
    base = {"config": [f"{_CONFIG_DIRECTORY}/config.conf"], "hostname-override": ["$(NODE_NAME)"]}
    return args.command_line(args.merge(base, extra, {"config": Merge.DENIED}))


def configuration(user: Mapping[str, Any], mode: str, pod_cidrs: Sequence[str]) -> Object:
    """Return KubeProxyConfiguration: what the user gave, with our kubeconfig, and the defaults `flags` would give."""

    def section(name: str) -> dict[str, Any]:
        value = user.get(name)
        return dict(value) if isinstance(value, Mapping) else {}

    return {
        "clusterCIDR": ",".join(pod_cidrs),
        "mode": mode or DEFAULT_MODE,
        **user,
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {**section("clientConnection"), "kubeconfig": str(_KUBECONFIG)},
        "conntrack": {"maxPerCore": 0, **section("conntrack")},
    }


def checksum(config: Mapping[str, Any]) -> str:
    """Return what names the config map, so that a change rolls the daemon set."""
    return hashlib.sha256(encode.to_yaml(dict(config)).encode()).hexdigest()


def render(spec: bootstrap_manifests_config.BootstrapManifestsConfig.Spec) -> list[Object]:
    """Return account, binding, configuration (if any) and daemon set."""
    found = [
        build.service_account("kube-proxy"),
        build.cluster_role_binding("kube-proxy", "system:node-proxier", [build.account("kube-proxy")]),
    ]
    config_name = f"kube-proxy-config-{spec.proxy_config_checksum[:10]}" if spec.proxy_config else ""
    if config_name:
        found.append(build.config_map(config_name, {"config.conf": encode.to_yaml(spec.proxy_config)}, _LABELS))
    return [*found, _daemon_set(spec, config_name)]


def _daemon_set(spec: bootstrap_manifests_config.BootstrapManifestsConfig.Spec, config_name: str) -> Object:
    resources = static_pods.resources(spec.proxy_resources, "50m", "32Mi")
    mounts = [
        build.mount("lib-modules", "/lib/modules", read_only=True),
        build.mount("ssl-certs-host", "/etc/ssl/certs", read_only=True),
        build.mount("kubeconfig", str(paths.KUBERNETES_CONFIG), read_only=True),
    ]
    volumes = [
        build.host_path("lib-modules", "/usr/lib/modules"),
        build.host_path("ssl-certs-host", "/etc/ssl/certs"),
        build.config_volume("kubeconfig", "kubeconfig-in-cluster"),
    ]
    if config_name:
        mounts.append(build.mount("config", _CONFIG_DIRECTORY, read_only=True))
        volumes.append(build.config_volume("config", config_name))
    container: Object = {
        "name": "kube-proxy",
        "image": spec.proxy_image,
        "command": ["/usr/local/bin/kube-proxy", *spec.proxy_args],
        "env": [
            static_pods.field("NODE_NAME", "spec.nodeName"),
            static_pods.field("POD_IP", "status.podIP"),
            *static_pods.memory_limit(resources),
        ],
        "resources": resources,
        "securityContext": {"privileged": True},
        "volumeMounts": mounts,
    }
    pod: Object = {
        "affinity": build.required_nodes(os=["linux"], arch=["amd64", "arm64"]),
        "containers": [container],
        "hostNetwork": True,
        "priorityClassName": "system-cluster-critical",
        "serviceAccountName": "kube-proxy",
        "tolerations": list(build.EVERYWHERE),
        "volumes": volumes,
    }
    update = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}
    return build.daemon_set("kube-proxy", _LABELS, pod, updateStrategy=update)
