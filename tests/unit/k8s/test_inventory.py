"""The inventory of bootstrap manifests."""

from __future__ import annotations

import pytest

from talos.k8s import inventory


def obj(api: str, kind: str, name: str, namespace: str = "") -> dict[str, object]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata}


@pytest.mark.parametrize(
    ("found", "key"),
    [
        (obj("apps/v1", "Deployment", "coredns", "kube-system"), "kube-system_coredns_apps_Deployment"),
        (obj("v1", "Service", "kube-dns", "kube-system"), "kube-system_kube-dns__Service"),
        (
            obj("rbac.authorization.k8s.io/v1", "ClusterRole", "system:coredns"),
            "_system__coredns_rbac.authorization.k8s.io_ClusterRole",
        ),
        (obj("v1", "Namespace", "x"), "_x__Namespace"),
    ],
)
@pytest.mark.feature("M025")
def test_keys(found: dict[str, object], key: str) -> None:
    assert inventory.key(found) == key


@pytest.mark.feature("M025")
def test_owned_objects_say_so() -> None:
    before = obj("v1", "Namespace", "x")
    after = inventory.owned(before)
    assert after["metadata"]["annotations"] == {"config.k8s.io/owning-inventory": "talos-bootstrap-manifests-inventory"}
    assert "annotations" not in before["metadata"]  # type: ignore[operator]


@pytest.mark.feature("M025")
def test_order() -> None:
    found = [
        obj("v1", "ConfigMap", "b"),
        obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", "c"),
        obj("v1", "ConfigMap", "a"),
        obj("v1", "Namespace", "n"),
    ]
    assert [o["metadata"]["name"] for o in inventory.order(found)] == ["n", "c", "b", "a"]


def test_config_map() -> None:
    found = inventory.config_map({"b", "a"})
    assert list(found["data"]) == ["a", "b"]
    assert (found["metadata"]["name"], found["metadata"]["namespace"]) == (inventory.NAME, "kube-system")
