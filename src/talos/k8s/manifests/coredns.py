"""CoreDNS: the cluster's name service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from talos.k8s.encode import Object
from talos.k8s.manifests import build

if TYPE_CHECKING:
    from talos.machinery.resources.k8s import bootstrap_manifests_config

_SELECTOR: Final = {"k8s-app": "kube-dns"}
_LABELS: Final = {**_SELECTOR, "kubernetes.io/name": "CoreDNS"}
_RBAC_LABELS: Final = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_ROLE: Final = "system:coredns"


def corefile(cluster_domain: str) -> str:
    """Return CoreDNS's configuration: the cluster's zone from the API, the rest from the node's resolvers."""
    # Answers for the cluster's own names must not outlive a service, so they are kept out of the cache.
    cache = ["cache 30"]
    if cluster_domain:
        cache = ["cache 30 {", f"   disable success {cluster_domain}", f"   disable denial {cluster_domain}", "}"]
    zones = " ".join(filter(None, (cluster_domain, "in-addr.arpa", "ip6.arpa")))
    lines = [
        "errors",
        "health {",
        "    lameduck 5s",
        "}",
        "ready",
        "log . {",
        "    class error",
        "}",
        "prometheus :9153",
        "",
        f"kubernetes {zones} {{",
        "    pods insecure",
        "    fallthrough in-addr.arpa ip6.arpa",
        "    ttl 30",
        "}",
        "forward . /etc/resolv.conf {",
        "   max_concurrent 1000",
        "}",
        *cache,
        "loop",
        "reload",
        "loadbalance",
    ]
    body = "\n".join(f"    {line}" if line else "" for line in lines)
    return f".:53 {{\n{body}\n}}\n"


def render(spec: bootstrap_manifests_config.BootstrapManifestsConfig.Spec) -> list[Object]:
    """Return account, role, binding, configuration and deployment."""
    rules = [
        build.rule("", ["endpoints", "services", "pods", "namespaces"], ["list", "watch"]),
        build.rule("discovery.k8s.io", ["endpointslices"], ["list", "watch"]),
    ]
    autoupdate = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
    return [
        build.service_account("coredns"),
        build.cluster_role(_ROLE, rules, _RBAC_LABELS),
        build.cluster_role_binding(_ROLE, _ROLE, [build.account("coredns")], _RBAC_LABELS, autoupdate),
        build.config_map("coredns", {"Corefile": corefile(spec.cluster_domain)}),
        _deployment(spec.core_dns_image),
    ]


def service(spec: bootstrap_manifests_config.BootstrapManifestsConfig.Spec) -> Object:
    """Return the service kube-dns at its fixed addresses."""
    addresses = [a for a in (spec.dns_service_ip, spec.dns_service_i_pv6) if a]
    families = ["IPv6" if ":" in a else "IPv4" for a in addresses]
    ports = [("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"), ("metrics", 9153, "TCP")]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": build.metadata(
            "kube-dns",
            labels={**_LABELS, "kubernetes.io/cluster-service": "true"},
            annotations={"prometheus.io/scrape": "true", "prometheus.io/port": "9153"},
        ),
        "spec": {
            "selector": dict(_SELECTOR),
            "clusterIP": addresses[0] if addresses else "",
            "clusterIPs": addresses,
            "ipFamilies": families,
            "ipFamilyPolicy": "RequireDualStack" if len(families) > 1 else "SingleStack",
            "ports": [{"name": n, "port": p, "protocol": proto, "targetPort": p} for n, p, proto in ports],
        },
    }


def _deployment(image: str) -> Object:
    container: Object = {
        "name": "coredns",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "env": [{"name": "GOMEMLIMIT", "value": "161MiB"}],
        "ports": [
            {"name": name, "containerPort": port, "protocol": protocol}
            for name, port, protocol in (("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"), ("metrics", 9153, "TCP"))
        ],
        "resources": {"limits": {"memory": "170Mi"}, "requests": {"cpu": "100m", "memory": "70Mi"}},
        "livenessProbe": {
            "httpGet": {"path": "/health", "port": 8080, "scheme": "HTTP"},
            "initialDelaySeconds": 60,
            "timeoutSeconds": 5,
            "successThreshold": 1,
            "failureThreshold": 5,
        },
        # As patient as the default (three times in ten seconds each), but told a second after the start, not ten.
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": 8181, "scheme": "HTTP"},
            "periodSeconds": 1,
            "failureThreshold": 30,
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [build.mount("config-volume", "/etc/coredns", read_only=True)],
    }
    spread = {
        "podAffinityTerm": {
            "labelSelector": {"matchExpressions": [{"key": "k8s-app", "operator": "In", "values": ["kube-dns"]}]},
            "topologyKey": "kubernetes.io/hostname",
        },
        "weight": 100,
    }
    untouched = ("node-role.kubernetes.io/control-plane", "node.cloudprovider.kubernetes.io/uninitialized")
    pod: Object = {
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [spread]}},
        "containers": [container],
        "dnsPolicy": "Default",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "priorityClassName": "system-cluster-critical",
        "serviceAccountName": "coredns",
        "tolerations": [{"effect": "NoSchedule", "key": key, "operator": "Exists"} for key in untouched],
        "volumes": [build.config_volume("config-volume", "coredns", items=[{"key": "Corefile", "path": "Corefile"}])],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": build.metadata("coredns", labels=_LABELS),
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": dict(_SELECTOR)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "template": {"metadata": {"labels": dict(_SELECTOR)}, "spec": pod},
        },
    }
