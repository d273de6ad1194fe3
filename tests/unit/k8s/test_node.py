"""What the configuration means for the Node object."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from talos.k8s import node
from talos.k8s.node import Taint, Wanted


def a_node(
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    taints: list[dict[str, str]] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    metadata = {"name": "n", "labels": labels or {}, "annotations": annotations or {}}
    return {"metadata": metadata, "spec": {**({"taints": taints} if taints else {}), **spec}}


def owned(**names: list[str]) -> dict[str, str]:
    return {f"talos.dev/owned-{kind}": json.dumps(keys) for kind, keys in names.items()}


def planned(before: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    untouched = copy.deepcopy(before)
    after = node.plan(before, wanted)
    assert before == untouched
    assert after is not None
    return after


@pytest.mark.feature("M020", "E106")
def test_new_labels_are_owned() -> None:
    after = planned(a_node({"kubelet": "1"}), Wanted(labels={"a": "1"}))
    assert after["metadata"]["labels"] == {"kubelet": "1", "a": "1"}
    assert after["metadata"]["annotations"] == {"talos.dev/owned-labels": '["a"]'}


@pytest.mark.feature("M020")
def test_labels_of_others_are_left_alone() -> None:
    assert node.plan(a_node({"a": "theirs"}), Wanted(labels={"a": "ours"})) is None


@pytest.mark.feature("M020")
def test_owned_labels_follow_the_configuration() -> None:
    before = a_node({"a": "1", "b": "1", "c": "1"}, owned(labels=["a", "b"]))
    after = planned(before, Wanted(labels={"a": "2"}))
    assert after["metadata"]["labels"] == {"a": "2", "c": "1"}
    assert after["metadata"]["annotations"] == {"talos.dev/owned-labels": '["a"]'}


@pytest.mark.feature("M020")
def test_annotations_are_owned_too() -> None:
    after = planned(a_node(annotations={"x": "1"}), Wanted(annotations={"y": "2"}))
    assert after["metadata"]["annotations"] == {"x": "1", "y": "2", "talos.dev/owned-annotations": '["y"]'}
    back = planned(after, Wanted())
    assert back["metadata"]["annotations"] == {"x": "1"}


@pytest.mark.feature("M020", "E110")
def test_taints() -> None:
    theirs = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    after = planned(a_node(taints=[theirs]), Wanted(taints=(Taint("a", "b", "NoExecute"),)))
    assert after["spec"]["taints"] == [theirs, {"key": "a", "value": "b", "effect": "NoExecute"}]
    back = planned(after, Wanted())
    assert back["spec"]["taints"] == [theirs]
    assert "talos.dev/owned-taints" not in back["metadata"]["annotations"]


def test_a_taint_the_kubelet_registered_with_is_taken_over() -> None:
    taint = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    after = planned(a_node(taints=[taint]), Wanted(taints=(Taint(taint["key"], "", "NoSchedule"),)))
    assert after["spec"]["taints"] == [taint]
    assert "talos.dev/owned-taints" in after["metadata"]["annotations"]


def test_a_taint_of_others_with_our_key_stays_as_it_is() -> None:
    assert (
        node.plan(a_node(taints=[{"key": "a", "effect": "NoSchedule"}]), Wanted(taints=(Taint("a", "", "NoExecute"),)))
        is None
    )


def test_taints_with_one_key_and_two_effects_both_stay() -> None:
    taints = [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoExecute"}]
    after = planned(a_node(taints=taints), Wanted(labels={"x": "1"}))
    assert sorted(t["effect"] for t in after["spec"]["taints"]) == ["NoExecute", "NoSchedule"]


@pytest.mark.feature("M044", "M020")
def test_only_our_own_cordon_is_undone() -> None:
    cordoned = planned(a_node(), Wanted(cordoned=True))
    assert cordoned["spec"]["unschedulable"] is True
    assert cordoned["metadata"]["annotations"] == {"talos.dev/cordoned": "true"}
    assert node.plan(cordoned, Wanted(cordoned=True)) is None
    free = planned(cordoned, Wanted())
    assert "unschedulable" not in free["spec"]
    assert free["metadata"]["annotations"] == {}
    assert node.plan(a_node(unschedulable=True), Wanted()) is None


def test_a_damaged_annotation_counts_as_nothing_owned() -> None:
    before = a_node({"a": "1"}, {"talos.dev/owned-labels": "{broken"})
    after = planned(before, Wanted())
    assert after["metadata"]["labels"] == {"a": "1"}


@pytest.mark.parametrize(("status", "expected"), [("True", True), ("False", False), ("Unknown", False)])
def test_ready(status: str, expected: bool) -> None:
    assert node.ready({"status": {"conditions": [{"type": "Ready", "status": status}]}}) is expected
    assert node.ready({}) is False
