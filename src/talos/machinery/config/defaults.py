"""Values a cluster has when its configuration does not say otherwise."""

from __future__ import annotations

from typing import Any

from talos.base.constants import versions

DISCOVERY_ENDPOINT = "https://discovery.talos.dev/"
DNS_DOMAIN = "cluster.local"
POD_SUBNETS = ("10.244.0.0/16",)
SERVICE_SUBNETS = ("10.96.0.0/12",)
POD_SUBNETS_IPV6 = ("fc00:db8:10::/56",)
SERVICE_SUBNETS_IPV6 = ("fc00:db8:20::/112",)
# The installer without extensions, from the factory that builds images to order.
_PLAIN_SCHEMATIC = "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba"
INSTALL_IMAGE = f"factory.talos.dev/metal-installer/{_PLAIN_SCHEMATIC}:{versions.TALOS}"
INSTALL_DISK = "/dev/sda"
KUBE_PRISM_PORT = 7445
CONTROL_PLANE_LABEL = "node-role.kubernetes.io/control-plane"
EXCLUDE_BALANCERS_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
POD_SECURITY: dict[str, Any] = {
    "apiVersion": "pod-security.admission.config.k8s.io/v1alpha1",
    "defaults": {
        "audit": "restricted",
        "audit-version": "latest",
        "enforce": "baseline",
        "enforce-version": "latest",
        "warn": "restricted",
        "warn-version": "latest",
    },
    "exemptions": {"namespaces": ["kube-system"], "runtimeClasses": [], "usernames": []},
    "kind": "PodSecurityConfiguration",
}
AUDIT_POLICY: dict[str, Any] = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
