"""The inventory of bootstrap manifests: which objects of the cluster came from the nodes.

Its form is that of the cli-utils inventory: a config map whose keys name objects, and an annotation on each object.
What is in the inventory is not applied again at boot: from then on it belongs to the cluster's users, until somebody
upgrades the manifests on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from talos.k8s.encode import Object

NAME: Final = "talos-bootstrap-manifests-inventory"
NAMESPACE: Final = "kube-system"
OWNING: Final = "config.k8s.io/owning-inventory"
_LABEL: Final = "cli-utils.sigs.k8s.io/inventory-id"
_KEY = re.compile(r"[^-._a-zA-Z0-9]")


def key(obj: Object) -> str:
    """Return the inventory key `<namespace>_<name>_<group>_<kind>`; `:` of RBAC names becomes `__`."""
    metadata = obj["metadata"]
    group, _, _ = str(obj["apiVersion"]).rpartition("/")
    name = str(metadata["name"]).replace(":", "__")
    return _KEY.sub("-", f"{metadata.get('namespace', '')}_{name}_{group}_{obj['kind']}")


def owned(obj: Object) -> Object:
    """Return the object with the annotation that it belongs to the inventory."""
    metadata = dict(obj["metadata"])
    metadata["annotations"] = {**(metadata.get("annotations") or {}), OWNING: NAME}
    return {**obj, "metadata": metadata}


def config_map(keys: Iterable[str]) -> Object:
    """Return the inventory."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": {_LABEL: NAME}},
        "data": dict.fromkeys(sorted(keys), ""),
    }


def order(objects: Iterable[Object]) -> list[Object]:
    """Return the objects with namespaces first, definitions of further kinds next, and the rest as given."""

    def rank(obj: Object) -> int:
        if (obj["apiVersion"], obj["kind"]) == ("v1", "Namespace"):
            return 0
        return 1 if obj["kind"] == "CustomResourceDefinition" else 2

    return sorted(objects, key=rank)
