"""What the node's configuration means for its Node object.

Labels, annotations and taints of the configuration are laid over what others put on the Node. Which ones are ours is
kept on the Node itself (`talos.dev/owned-*`), so that one removed from the configuration is removed from the Node, and
one that somebody else set first is left alone.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from talos.k8s.encode import Object

OWNED_LABELS: Final = "talos.dev/owned-labels"
OWNED_ANNOTATIONS: Final = "talos.dev/owned-annotations"
OWNED_TAINTS: Final = "talos.dev/owned-taints"
CORDONED: Final = "talos.dev/cordoned"
CONTROL_PLANE_ROLE: Final = "node-role.kubernetes.io/control-plane"
EXCLUDE_FROM_LOAD_BALANCERS: Final = "node.kubernetes.io/exclude-from-external-load-balancers"


@dataclass(frozen=True, slots=True)
class Taint:
    """A taint of the configuration."""

    key: str
    value: str
    effect: str

    def object(self) -> Object:
        """Return it as the API has it."""
        return {"key": self.key, "effect": self.effect, **({"value": self.value} if self.value else {})}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration says about the Node."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Taint] = ()
    cordoned: bool = False


def _owned(annotations: Mapping[str, str], name: str) -> set[str]:
    try:
        found = json.loads(annotations.get(name, "[]"))
    except ValueError:
        return set()
    return {str(key) for key in found} if isinstance(found, list) else set()


def _remember(annotations: dict[str, str], name: str, owned: set[str]) -> None:
    if owned:
        annotations[name] = json.dumps(sorted(owned), separators=(",", ":"))
    else:
        annotations.pop(name, None)


def _lay_over(current: dict[str, str], wanted: Mapping[str, str], owned: set[str]) -> None:
    for key, value in wanted.items():
        if key not in current or current[key] == value or key in owned:
            current[key] = value
            owned.add(key)
    for key in owned - set(wanted):
        current.pop(key, None)
    owned &= set(wanted)


def _taints(current: Sequence[Any], wanted: Sequence[Taint], owned: set[str]) -> list[Object]:
    found = {str(taint["key"]): dict(taint) for taint in current}
    # Taints with the same key and another effect are somebody else's and stay.
    rest = [dict(taint) for taint in current if found[str(taint["key"])] != dict(taint)]
    for taint in wanted:
        known = found.get(taint.key)
        ours = known is not None and (known.get("value", ""), known.get("effect")) == (taint.value, taint.effect)
        if known is None or taint.key in owned or ours:
            found[taint.key] = taint.object()
            owned.add(taint.key)
    keys = {taint.key for taint in wanted}
    for key in owned - keys:
        found.pop(key, None)
    owned &= keys
    return [*found.values(), *rest]


def plan(node: Object, wanted: Wanted) -> Object | None:
    """Return the Node as it should be, or None when nothing is to do."""
    changed = copy.deepcopy(node)
    metadata, spec = changed["metadata"], changed.setdefault("spec", {})
    labels = metadata.setdefault("labels", {})
    annotations = metadata.setdefault("annotations", {})
    owned_labels = _owned(annotations, OWNED_LABELS)
    owned_annotations = _owned(annotations, OWNED_ANNOTATIONS)
    owned_taints = _owned(annotations, OWNED_TAINTS)
    _lay_over(labels, wanted.labels, owned_labels)
    _lay_over(annotations, wanted.annotations, owned_annotations)
    taints = _taints(spec.get("taints") or (), wanted.taints, owned_taints)
    if taints or spec.get("taints"):
        spec["taints"] = taints
    _remember(annotations, OWNED_LABELS, owned_labels)
    _remember(annotations, OWNED_ANNOTATIONS, owned_annotations)
    _remember(annotations, OWNED_TAINTS, owned_taints)
    if wanted.cordoned and not spec.get("unschedulable"):
        spec["unschedulable"] = True
        annotations[CORDONED] = "true"
    elif not wanted.cordoned and spec.get("unschedulable") and CORDONED in annotations:
        # Only what we cordoned is uncordoned.
        spec.pop("unschedulable")
        del annotations[CORDONED]
    return None if _same(node, changed) else changed


def _same(before: Object, after: Object) -> bool:
    def relevant(node: Object) -> tuple[Any, ...]:
        metadata, spec = node["metadata"], node.get("spec") or {}
        return (
            metadata.get("labels") or {},
            metadata.get("annotations") or {},
            spec.get("taints") or [],
            bool(spec.get("unschedulable")),
        )

    return relevant(before) == relevant(after)


def ready(node: Object) -> bool:
    """Tell whether the node's condition Ready is true."""
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
