"""flannel: the pod network between nodes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from talos.k8s import static_pods
from talos.k8s.encode import Object
from talos.k8s.manifests import build

if TYPE_CHECKING:
    from talos.machinery.resources.k8s import bootstrap_manifests_config

_LABELS: Final = {"k8s-app": "flannel"}
_NODE_LABELS: Final = {"k8s-app": "flannel", "tier": "node"}
_CNI: Final = {
    "name": "cbr0",
    "cniVersion": "1.0.0",
    "plugins": [
        {"type": "flannel", "delegate": {"hairpinMode": True, "isDefaultGateway": True}},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}


def render(spec: bootstrap_manifests_config.BootstrapManifestsConfig.Spec) -> list[Object]:
    """Return role, binding, account, configuration and daemon set."""
    rules = [
        build.rule("", ["pods", "nodes", "namespaces"], ["get", "list", "watch"]),
        build.rule("", ["nodes/status"], ["patch"]),
    ]
    if spec.flannel_kube_network_policies_enabled:
        rules += [
            build.rule("networking.k8s.io", ["networkpolicies"], ["list", "watch"]),
            build.rule(
                "policy.networking.k8s.io",
                ["adminnetworkpolicies", "baselineadminnetworkpolicies"],
                ["list", "watch"],
            ),
        ]
    config = {
        "cni-conf.json": json.dumps(_CNI, indent=2),
        "net-conf.json": json.dumps(network_configuration(spec), indent=2),
    }
    return [
        build.cluster_role("flannel", rules, _LABELS),
        build.cluster_role_binding("flannel", "flannel", [build.account("flannel")], _LABELS),
        build.service_account("flannel", _LABELS),
        build.config_map("kube-flannel-cfg", config, _NODE_LABELS),
        _daemon_set(spec),
    ]


def network_configuration(spec: bootstrap_manifests_config.BootstrapManifestsConfig.Spec) -> Object:
    """Return flannel's net-conf.json."""
    backend: Object = {"Type": spec.flannel_backend_type}
    if spec.flannel_backend_port:
        backend["Port"] = spec.flannel_backend_port
    if spec.flannel_backend_mtu:
        backend["MTU"] = spec.flannel_backend_mtu
    found: Object = {}
    ipv4 = [cidr for cidr in spec.pod_cid_rs if ":" not in cidr]
    ipv6 = [cidr for cidr in spec.pod_cid_rs if ":" in cidr]
    if ipv4:
        found["Network"] = ipv4[-1]
    if ipv6:
        found |= {"IPv6Network": ipv6[-1], "EnableIPv6": True}
    if not ipv4:
        found["EnableIPv4"] = False
    return {**found, "EnableNFTables": True, "Backend": {**backend, **spec.flannel_backend_extra_config}}


def _daemon_set(spec: bootstrap_manifests_config.BootstrapManifestsConfig.Spec) -> Object:
    resources = static_pods.resources(spec.flannel_resources, "100m", "50Mi")
    variables: list[Object] = [
        static_pods.field("POD_NAME", "metadata.name"),
        static_pods.field("POD_NAMESPACE", "metadata.namespace"),
        {"name": "EVENT_QUEUE_DEPTH", "value": "5000"},
        {"name": "CONT_WHEN_CACHE_NOT_READY", "value": "false"},
    ]
    if spec.flannel_kube_service_host:
        variables.append({"name": "KUBERNETES_SERVICE_HOST", "value": spec.flannel_kube_service_host})
    if spec.flannel_kube_service_port:
        variables.append({"name": "KUBERNETES_SERVICE_PORT", "value": spec.flannel_kube_service_port})
    configuration = build.mount("flannel-cfg", "/etc/kube-flannel/")
    flanneld: Object = {
        "name": "kube-flannel",
        "image": spec.flannel_image,
        "command": ["/opt/bin/flanneld"],
        "args": ["--ip-masq", "--kube-subnet-mgr", *spec.flannel_extra_args],
        "env": [*variables, *static_pods.memory_limit(resources)],
        "resources": resources,
        "securityContext": {"capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}, "privileged": False},
        "volumeMounts": [build.mount("run", "/run/flannel"), configuration],
    }
    install: Object = {
        "name": "install-config",
        "image": spec.flannel_image,
        "command": ["cp"],
        "args": ["/etc/kube-flannel/cni-conf.json", "/etc/cni/net.d/10-flannel.conflist"],
        "volumeMounts": [build.mount("cni", "/etc/cni/net.d"), configuration],
    }
    volumes = [
        build.host_path("run", "/run/flannel"),
        build.host_path("cni", "/etc/cni/net.d"),
        build.config_volume("flannel-cfg", "kube-flannel-cfg"),
    ]
    containers = [flanneld]
    if spec.flannel_kube_network_policies_enabled:
        containers.append(_network_policies(spec.flannel_kube_network_policies_image))
        volumes.append(build.host_path("lib-modules", "/usr/lib/modules"))
    pod: Object = {
        "affinity": build.required_nodes(os=["linux"]),
        "containers": containers,
        "hostNetwork": True,
        "initContainers": [install],
        "priorityClassName": "system-node-critical",
        "serviceAccountName": "flannel",
        "tolerations": list(build.EVERYWHERE),
        "volumes": volumes,
    }
    return build.daemon_set("kube-flannel", _NODE_LABELS, pod)


def _network_policies(image: str) -> Object:
    return {
        "name": "kube-network-policies",
        "image": image,
        "command": ["/bin/netpol", "--hostname-override=$(MY_NODE_NAME)", "--v=2"],
        "env": [static_pods.field("MY_NODE_NAME", "spec.nodeName")],
        "resources": {"requests": {"cpu": "100m", "memory": "50Mi"}},
        "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}, "privileged": True},
        "volumeMounts": [build.mount("lib-modules", "/lib/modules", read_only=True)],
    }
