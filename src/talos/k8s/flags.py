"""Final command lines of the control plane's components: the node's defaults, the user's extra arguments on top.

Flags and their protection follow the original (names and values are facts of the 1.14 line): whatever points at
certificates, etcd or rendered files is refused to the user, lists of plugins and gates are extended.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from talos.base.constants import paths
from talos.k8s import args, component
from talos.k8s.args import Merge

if TYPE_CHECKING:
    from talos.machinery.resources.k8s import api_server_config, controller_manager_config, scheduler_config
    from talos.machinery.resources.secrets import kubernetes_root_secret

API_SERVER_SECRETS: Final = paths.KUBERNETES_STATIC_SECRETS / "kube-apiserver"
API_SERVER_CONFIG: Final = paths.KUBERNETES_STATIC_CONFIG / "kube-apiserver"
CONTROLLER_MANAGER_SECRETS: Final = paths.KUBERNETES_STATIC_SECRETS / "kube-controller-manager"
SCHEDULER_SECRETS: Final = paths.KUBERNETES_STATIC_SECRETS / "kube-scheduler"
SCHEDULER_CONFIG: Final = paths.KUBERNETES_STATIC_CONFIG / "kube-scheduler"
BINARIES: Final = PurePath("/usr/local/bin")

_API_SERVER_POLICIES: Final = {
    **dict.fromkeys(("enable-admission-plugins", "feature-gates", "authorization-mode"), Merge.ADDITIVE),
    **dict.fromkeys(
        (
            "authentication-config", "authorization-config", "client-ca-file",
            "encryption-provider-config", "etcd-cafile", "etcd-certfile", "etcd-keyfile", "etcd-servers",
            "kubelet-client-certificate", "kubelet-client-key", "proxy-client-cert-file", "proxy-client-key-file",
            "requestheader-client-ca-file", "service-account-key-file", "service-account-signing-key-file",
            "tls-cert-file", "tls-min-version", "tls-private-key-file",
        ),
        Merge.DENIED,
    ),
    # Tokens of both issuers must stay valid while a user moves from one to the other.
    "service-account-issuer": Merge.APPEND,
}  # fmt: skip

_CONTROLLER_MANAGER_POLICIES: Final = {
    **dict.fromkeys(("controllers", "feature-gates", "service-cluster-ip-range"), Merge.ADDITIVE),
    **dict.fromkeys(
        (
            "authentication-kubeconfig", "authorization-kubeconfig", "cluster-signing-cert-file",
            "cluster-signing-key-file", "root-ca-file", "service-account-private-key-file",
        ),
        Merge.DENIED,
    ),
}  # fmt: skip

_FRONT_PROXY: Final = {
    "requestheader-allowed-names": "front-proxy-client",
    "requestheader-extra-headers-prefix": "X-Remote-Extra-",
    "requestheader-group-headers": "X-Remote-Group",
    "requestheader-username-headers": "X-Remote-User",
}

_SCHEDULER_POLICIES: Final = {
    "feature-gates": Merge.ADDITIVE,
    **dict.fromkeys(("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig", "config"), Merge.DENIED),
}


def _single(values: Mapping[str, object]) -> args.Args:
    return {flag: [str(value)] for flag, value in values.items()}


def _cloud_provider(image: str, provider: str) -> dict[str, str]:
    # The flag is gone from the API server and without effect in the controller manager since 1.33.
    return {"cloud-provider": provider} if provider and component.version(image) < (1, 33) else {}


def api_server(
    spec: api_server_config.APIServerConfig.Spec, root: kubernetes_root_secret.KubernetesRootSecret.Spec
) -> list[str]:
    """Return the command of kube-apiserver. Raises Invalid for refused extra arguments."""
    secret, config = API_SERVER_SECRETS, API_SERVER_CONFIG
    base = _single(
        {
            "admission-control-config-file": config / "admission-control-config.yaml",
            "allow-privileged": "true",
            "audit-log-maxage": 30,
            "audit-log-maxbackup": 10,
            "audit-log-maxsize": 100,
            "audit-log-path": paths.KUBERNETES_AUDIT_LOG / "kube-apiserver.log",
            "audit-policy-file": config / "auditpolicy.yaml",
            "bind-address": "0.0.0.0",
            "client-ca-file": secret / "ca.crt",
            "enable-admission-plugins": "NodeRestriction",
            "enable-bootstrap-token-auth": "true",
            "encryption-provider-config": secret / "encryptionconfig.yaml",
            "etcd-cafile": secret / "etcd-client-ca.crt",
            "etcd-certfile": secret / "etcd-client.crt",
            "etcd-keyfile": secret / "etcd-client.key",
            "etcd-servers": ",".join(spec.etcd_servers),
            "kubelet-client-certificate": secret / "apiserver-kubelet-client.crt",
            "kubelet-client-key": secret / "apiserver-kubelet-client.key",
            "kubelet-preferred-address-types": "InternalIP,ExternalIP,Hostname",
            "profiling": "false",
            "proxy-client-cert-file": secret / "front-proxy-client.crt",
            "proxy-client-key-file": secret / "front-proxy-client.key",
            "requestheader-client-ca-file": secret / "aggregator-ca.crt",
            **_FRONT_PROXY,
            "secure-port": spec.local_port,
            "service-account-key-file": secret / "service-account.pub",
            "service-account-signing-key-file": secret / "service-account.key",
            "service-cluster-ip-range": ",".join(spec.service_cid_rs),
            "tls-cert-file": secret / "apiserver.crt",
            "tls-min-version": "VersionTLS13",
            "tls-private-key-file": secret / "apiserver.key",
            **_cloud_provider(spec.image, spec.cloud_provider),
        }
    )
    issuer = root.issuer_url or spec.control_plane_endpoint
    base["service-account-issuer"] = [issuer, *(i for i in root.accepted_issuers if i != issuer)]
    base["api-audiences"] = [",".join(root.api_audiences or (issuer,))]
    if spec.advertised_address:
        base["advertise-address"] = [spec.advertised_address]
    if spec.use_authentication_config:
        base["authentication-config"] = [str(config / "authentication-config.yaml")]
    else:
        base["anonymous-auth"] = ["false"]
    extra = spec.extra_args
    if any(flag == "authorization-mode" or flag.startswith("authorization-webhook-") for flag in extra):
        base["authorization-mode"] = ["Node,RBAC"]
    else:
        base["authorization-config"] = [str(config / "authorization-config.yaml")]
    merged = args.merge(base, extra, _API_SERVER_POLICIES)
    return [str(BINARIES / "kube-apiserver"), *args.command_line(merged)]


def _client_authentication(secret: PurePath) -> dict[str, object]:
    """Whom a component believes who its clients are, from its own files.

    By default it reads that from the API server, and ends when that has not set up the right to read it yet: a pod that
    starts a moment too early is backed off for ten seconds. What is written there is the same.
    """
    return {
        "authentication-skip-lookup": "true",
        "client-ca-file": secret / "client-ca.crt",
        "requestheader-client-ca-file": secret / "aggregator-ca.crt",
        **_FRONT_PROXY,
    }


def controller_manager(spec: controller_manager_config.ControllerManagerConfig.Spec) -> list[str]:
    """Return the command of kube-controller-manager. Raises Invalid for refused extra arguments."""
    secret = CONTROLLER_MANAGER_SECRETS
    kubeconfig = secret / "kubeconfig"
    base = _single(
        {
            "allocate-node-cidrs": "true",
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "bind-address": "127.0.0.1",
            "cluster-cidr": ",".join(spec.pod_cid_rs),
            "cluster-signing-cert-file": secret / "ca.crt",
            "cluster-signing-key-file": secret / "ca.key",
            "configure-cloud-routes": "false",
            "controllers": "*",
            # At start it asks for an account and a token for each of its 40 controllers, three calls each, one after
            # the other: with the default burst of 30 and 20 a second after that, five seconds.
            "kube-api-burst": 200,
            "kubeconfig": kubeconfig,
            "leader-elect": "true",
            "profiling": "false",
            "root-ca-file": secret / "ca.crt",
            "service-account-private-key-file": secret / "service-account.key",
            "service-cluster-ip-range": ",".join(spec.service_cid_rs),
            "terminated-pod-gc-threshold": 100,
            "tls-min-version": "VersionTLS13",
            "use-service-account-credentials": "true",
            **_client_authentication(secret),
            **_cloud_provider(spec.image, spec.cloud_provider),
        }
    )
    masks = {"ipv4": spec.node_cidr_mask_size_i_pv4, "ipv6": spec.node_cidr_mask_size_i_pv6}
    present = {"ipv6" if ":" in cidr else "ipv4" for cidr in spec.pod_cid_rs}
    base |= {
        f"node-cidr-mask-size-{family}": [str(size)] for family, size in masks.items() if size and family in present
    }
    merged = args.merge(base, spec.extra_args, _CONTROLLER_MANAGER_POLICIES)
    return [str(BINARIES / "kube-controller-manager"), *args.command_line(merged)]


def scheduler(spec: scheduler_config.SchedulerConfig.Spec) -> list[str]:
    """Return the command of kube-scheduler. Raises Invalid for refused extra arguments."""
    kubeconfig = SCHEDULER_SECRETS / "kubeconfig"
    base = _single(
        {
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "bind-address": "127.0.0.1",
            "config": SCHEDULER_CONFIG / "scheduler-config.yaml",
            "leader-elect": "true",
            "profiling": "false",
            "tls-min-version": "VersionTLS13",
            **_client_authentication(SCHEDULER_SECRETS),
        }
    )
    merged = args.merge(base, spec.extra_args, _SCHEDULER_POLICIES)
    return [str(BINARIES / "kube-scheduler"), *args.command_line(merged)]


def scheduler_configuration(user: Mapping[str, object]) -> dict[str, object]:
    """Return KubeSchedulerConfiguration: what the user gave, with kind, version and our kubeconfig set."""
    connection = user.get("clientConnection")
    connection = dict(connection) if isinstance(connection, Mapping) else {}
    return {
        **user,
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {**connection, "kubeconfig": str(SCHEDULER_SECRETS / "kubeconfig")},
    }
