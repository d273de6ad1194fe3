"""Bootstrap manifests: what a cluster needs before anybody deploys anything.

`render` is the table of all of them. Names order the application (`00-…` first) and are resource ids over the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from talos.k8s.encode import Object
from talos.k8s.manifests import access, coredns, flannel, proxy

if TYPE_CHECKING:
    from talos.machinery.resources.k8s import bootstrap_manifests_config
    from talos.machinery.resources.secrets import kubernetes_root_secret


def render(
    spec: bootstrap_manifests_config.BootstrapManifestsConfig.Spec,
    root: kubernetes_root_secret.KubernetesRootSecret.Spec,
) -> dict[str, list[Object]]:
    """Return the objects of each manifest by its name. Raises Invalid for quantities that are none."""
    found = {
        "00-kubelet-bootstrapping-token": [
            access.bootstrap_token(root.bootstrap_token_id, root.bootstrap_token_secret),
        ],
        "01-csr-approver-role-binding": [access.csr_approver()],
        "01-csr-node-bootstrap": [access.csr_bootstrap()],
        "01-csr-renewal-role-binding": [access.csr_renewal()],
        "11-kube-config-in-cluster": [access.kubeconfig_in_cluster(spec.server)],
        "11-talos-node-rbac-template": access.talos_nodes(),
    }
    if spec.flannel_enabled:
        found["05-flannel"] = flannel.render(spec)
    if spec.proxy_enabled:
        found["10-kube-proxy"] = proxy.render(spec)
    if spec.core_dns_enabled:
        found["11-core-dns"] = coredns.render(spec)
        found["11-core-dns-svc"] = [coredns.service(spec)]
    if spec.talos_api_service_enabled:
        found["13-talos-service-account-crd"] = [access.talos_service_account_crd()]
    return dict(sorted(found.items()))
