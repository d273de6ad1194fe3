"""Who may do what from the first minute: bootstrap token, certificate requests of kubelets, nodes reading endpoints."""

from __future__ import annotations

from talos.k8s import kubeconfig
from talos.k8s.encode import Object
from talos.k8s.manifests import build

_BOOTSTRAPPERS = "system:bootstrappers:nodes"
_NODES = "system:nodes"
_CSR = "system:certificates.k8s.io:certificatesigningrequests"


def bootstrap_token(token_id: str, secret: str) -> Object:
    """Return the secret that lets a kubelet with the token ask for its first certificate."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": build.metadata(f"bootstrap-token-{token_id}"),
        "type": "bootstrap.kubernetes.io/token",
        "stringData": {
            "token-id": token_id,
            "token-secret": secret,
            "usage-bootstrap-authentication": "true",
            "auth-extra-groups": _BOOTSTRAPPERS,
        },
    }


def csr_bootstrap() -> Object:
    """Return the binding that lets new and known nodes create certificate requests."""
    return build.cluster_role_binding(
        "system-bootstrap-node-bootstrapper",
        "system:node-bootstrapper",
        [build.group(_BOOTSTRAPPERS), build.group(_NODES)],
    )


def csr_approver() -> Object:
    """Return the binding that makes the controller manager approve a node's first client certificate."""
    return build.cluster_role_binding(
        "system-bootstrap-approve-node-client-csr", f"{_CSR}:nodeclient", [build.group(_BOOTSTRAPPERS)]
    )


def csr_renewal() -> Object:
    """Return the binding that makes the controller manager approve renewals of a node's own client certificate."""
    return build.cluster_role_binding("system-bootstrap-node-renewal", f"{_CSR}:selfnodeclient", [build.group(_NODES)])


def kubeconfig_in_cluster(server: str) -> Object:
    """Return the config map with the kubeconfig of host-network add-ons."""
    return build.config_map("kubeconfig-in-cluster", {"kubeconfig": kubeconfig.in_cluster(server)})


def talos_nodes() -> list[Object]:
    """Return what lets nodes read the API server's endpoints (for KubePrism and discovery)."""
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    name = "system:talos-nodes"
    rules = [build.rule("discovery.k8s.io", ["endpointslices"], ["get", "list", "watch"])]
    binding = build.cluster_role_binding(
        name, name, [build.group(_NODES)], labels, {"rbac.authorization.kubernetes.io/autoupdate": "true"}
    )
    return [binding, build.cluster_role(name, rules, labels)]


def talos_service_account_crd() -> Object:
    """Return the definition of serviceaccounts.talos.dev: workloads ask for access to the node API with it."""
    text = {"type": "string"}
    status = {"type": "object", "properties": {"failureReason": text}}
    spec = {"type": "object", "properties": {"roles": {"type": "array", "items": text}}}
    properties = {"apiVersion": text, "kind": text, "metadata": {"type": "object"}, "spec": spec, "status": status}
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
    }
    names = {
        "kind": "ServiceAccount",
        "plural": "serviceaccounts",
        "singular": "serviceaccount",
        "shortNames": ["tsa"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": build.metadata("serviceaccounts.talos.dev", system=False),
        "spec": {
            "group": "talos.dev",
            "scope": "Namespaced",
            "names": names,
            "conversion": {"strategy": "None"},
            "versions": [version],
        },
    }
