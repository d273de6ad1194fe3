"""Small pieces manifests are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from talos.k8s.encode import Object

RBAC = "rbac.authorization.k8s.io"


def metadata(
    name: str, *, system: bool = True, labels: Mapping[str, str] = {}, annotations: Mapping[str, str] = {}
) -> Object:
    """Return object metadata; `system` puts it into kube-system."""
    found: Object = {"name": name}
    if system:
        found["namespace"] = "kube-system"
    if labels:
        found["labels"] = dict(labels)
    if annotations:
        found["annotations"] = dict(annotations)
    return found


def service_account(name: str, labels: Mapping[str, str] = {}) -> Object:
    """Return a service account in kube-system."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(name, labels=labels)}


def config_map(name: str, data: Mapping[str, str], labels: Mapping[str, str] = {}) -> Object:
    """Return a config map in kube-system."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(name, labels=labels), "data": dict(data)}


def rule(groups: str, resources: Sequence[str], verbs: Sequence[str]) -> Object:
    """Return one rule of a role for one API group."""
    return {"apiGroups": [groups], "resources": list(resources), "verbs": list(verbs)}


def cluster_role(name: str, rules: Sequence[Object], labels: Mapping[str, str] = {}) -> Object:
    """Return a cluster role."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": metadata(name, system=False, labels=labels),
        "rules": list(rules),
    }


def cluster_role_binding(
    name: str,
    role: str,
    subjects: Sequence[Object],
    labels: Mapping[str, str] = {},
    annotations: Mapping[str, str] = {},
) -> Object:
    """Return a cluster role binding."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": metadata(name, system=False, labels=labels, annotations=annotations),
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": list(subjects),
    }


def group(name: str) -> Object:
    """Return a group as a subject."""
    return {"apiGroup": RBAC, "kind": "Group", "name": name}


def account(name: str) -> Object:
    """Return a service account of kube-system as a subject."""
    return {"kind": "ServiceAccount", "name": name, "namespace": "kube-system"}


def host_path(name: str, path: str) -> Object:
    """Return a hostPath volume."""
    return {"name": name, "hostPath": {"path": path}}


def config_volume(name: str, config: str, **extra: Any) -> Object:
    """Return a volume of a config map."""
    return {"name": name, "configMap": {"name": config, **extra}}


def mount(name: str, path: str, *, read_only: bool = False) -> Object:
    """Return a volume mount."""
    return {"name": name, "mountPath": path, **({"readOnly": True} if read_only else {})}


def required_nodes(**values: Sequence[str]) -> Object:
    """Return node affinity: label `kubernetes.io/<name>` must be one of the values."""
    expressions = [{"key": f"kubernetes.io/{k}", "operator": "In", "values": list(v)} for k, v in values.items()]
    terms = {"nodeSelectorTerms": [{"matchExpressions": expressions}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


EVERYWHERE: Sequence[Object] = (
    {"effect": "NoSchedule", "operator": "Exists"},
    {"effect": "NoExecute", "operator": "Exists"},
)
"""Tolerations of what must run on every node, ready or not."""


def daemon_set(name: str, labels: Mapping[str, str], pod: Object, **spec: Any) -> Object:
    """Return a daemon set of kube-system whose pods carry the same labels."""
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": metadata(name, labels=labels),
        "spec": {
            "selector": {"matchLabels": dict(labels)},
            "template": {"metadata": {"labels": dict(labels)}, "spec": pod},
            **spec,
        },
    }
