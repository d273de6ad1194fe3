"""The inverse of patching: from two configurations the strategic merge patch that turns one into the other.

A patch can not say everything a configuration can: empty values do not overwrite, lists only grow, booleans that must
have a value are taken as false when left out. So each field is tried on the real merge: as a value; then as a deletion
followed by a value; and when neither gives what is wanted, the section around it is deleted and written anew.
Documents are told apart by kind and name; their order means nothing, and is not restored.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from talos.base import errors
from talos.machinery.config import _decode, _merge, container, document, encoder, patcher, v1alpha1

_DELETE = {"$patch": "delete"}


class _Inexpressible(Exception):
    """Only deleting something further up helps."""


@dataclass(slots=True)
class _Step:
    """Keys to delete and values to set below one mapping, as plain data."""

    deletes: dict[str, Any] = field(default_factory=dict)
    sets: dict[str, Any] = field(default_factory=dict)

    def below(self, key: str, inner: _Step) -> None:
        """Take over what a nested mapping needs."""
        if inner.deletes:
            self.deletes[key] = inner.deletes
        if inner.sets:
            self.sets[key] = inner.sets


def between(old: container.Container, new: container.Container) -> str:
    """Return the patch that turns `old` into `new`, as YAML; empty when they say the same.

    The patch holds the secrets that changed. Raises Invalid when no patch can do it: the v1alpha1 document can be
    added and changed, but not deleted.
    """
    parts = _legacy(old.v1alpha1, new.v1alpha1)
    before = {one.identity: one for one in old.documents}
    after = {one.identity: one for one in new.documents}
    parts += [_deleted(one) for identity, one in before.items() if identity not in after]
    for identity, one in after.items():
        parts += _document(before.get(identity), one)
    text = "---\n".join(encoder.document_text(encoder.fields(part)) for part in parts)
    if text and not same(patcher.patch(old, [text]), new):
        raise errors.Invalid("no patch turns the one configuration into the other")
    return text


def same(one: container.Container, other: container.Container) -> bool:
    """Whether two configurations say the same; the order of documents says nothing."""
    found = [{each.identity: each for each in bundle.documents} for bundle in (one, other)]
    return one.v1alpha1 == other.v1alpha1 and found[0] == found[1]


def _legacy(old: v1alpha1.Config | None, new: v1alpha1.Config | None) -> list[dict[str, Any]]:
    if old == new:
        return []
    if new is None:
        raise errors.Invalid("no patch can delete the v1alpha1 document")
    if old is None:
        return [{"version": new.version, **encoder.struct(new)}]
    try:
        step = _section(old, new)
    except _Inexpressible as error:
        raise errors.Invalid("no patch turns the one v1alpha1 document into the other") from error
    return [part for part in (step.deletes, step.sets) if part]


def _head(one: document.Document) -> dict[str, Any]:
    name = {"name": one.identity[1]} if one.named else {}
    return {"apiVersion": one.api_version, "kind": one.kind, **name}


def _deleted(one: document.Document) -> dict[str, Any]:
    return {**_head(one), **_DELETE}


def _document(old: document.Document | None, new: document.Document) -> list[dict[str, Any]]:
    if old is None:
        return [encoder.document_data(new)]
    if old == new:
        return []
    try:
        step = _section(old, new)
    except _Inexpressible:
        return [_deleted(old), encoder.document_data(new)]
    return [{**_head(new), **part} for part in (step.deletes, step.sets) if part]


def _section(old: Any, new: Any) -> _Step:
    step = _Step()
    rules = _rules(type(old))
    for key, (attribute, rule) in rules.items():
        left, right = getattr(old, attribute), getattr(new, attribute)
        if left == right:
            continue
        try:
            _inside(step, key, left, right, rule.annotation)
        except _Inexpressible:
            _field(step, key, left, right, rule)
    if step.sets:
        _carry(step, new, rules)
    return step


def _rules(kind: Any) -> dict[str, tuple[str, _Field]]:
    converts = {key: convert for _, key, convert in encoder.keys(kind)}
    defaults = {one.name: _default(one) for one in msgspec.structs.fields(kind)}
    return {
        key: (attribute, _Field(annotation, defaults[attribute], converts[key]))
        for key, (attribute, _, annotation) in _decode.fields(kind).items()
    }


def _default(one: Any) -> Any:
    return one.default if one.default is not msgspec.NODEFAULT else one.default_factory()


def _carry(step: _Step, new: Any, rules: Mapping[str, tuple[str, _Field]]) -> None:
    """Say again what a patch changes that leaves it out: true booleans, and nothing where there is something unsaid."""
    for key, (attribute, rule) in rules.items():
        value = getattr(new, attribute)
        if key not in step.sets and not _fits(rule, value, rule.default, value):
            step.sets[key] = rule.convert(value)


def _inside(step: _Step, key: str, left: Any, right: Any, annotation: Any) -> None:
    """Say a change of a mapping by the changes of its keys. Raises _Inexpressible when it is none, or that fails."""
    bare, marks, _ = _decode.split(annotation)
    if _merge.replaces(marks):
        raise _Inexpressible
    if isinstance(left, document.Section) and isinstance(right, document.Section):
        inner = _section(left, right)
    elif isinstance(left, Mapping) and isinstance(right, Mapping) and right:
        arguments = typing.get_args(bare)
        inner = _mapping(left, right, arguments[1] if arguments else Any)
    else:
        raise _Inexpressible
    step.below(key, inner)


@dataclass(frozen=True, slots=True)
class _Field:
    """How values of a field merge, what it holds when it is deleted, and how it is written."""

    annotation: Any
    default: Any
    convert: Callable[[Any], Any]

    def merged(self, left: Any, right: Any) -> Any:
        try:
            return _merge.field(left, right, self.annotation, "")
        except errors.Invalid as error:
            raise _Inexpressible from error


def _field(step: _Step, key: str, left: Any, right: Any, rules: _Field) -> None:
    """Set, or delete and set. Raises _Inexpressible."""
    grown = isinstance(left, tuple) and isinstance(right, tuple) and right[: len(left)] == left
    for value in (right[len(left) :],) if grown else (right,):
        if right != rules.default and _fits(rules, left, value, right):
            step.sets[key] = rules.convert(value)
            return
    if right != rules.default:
        if not _fits(rules, rules.default, right, right):
            raise _Inexpressible
        step.sets[key] = rules.convert(right)
    if left != rules.default:
        step.deletes[key] = dict(_DELETE)
    elif right == rules.default:
        raise _Inexpressible


def _fits(rules: _Field, left: Any, value: Any, wanted: Any) -> bool:
    try:
        found = rules.merged(left, value)
    except _Inexpressible:
        return False
    # 0 == False and 1 == True, but not in a configuration.
    return bool(found == wanted) and type(found) is type(wanted)


def _mapping(old: Mapping[str, Any], new: Mapping[str, Any], element: Any) -> _Step:
    step = _Step()
    for key in old:
        if key not in new:
            step.deletes[key] = dict(_DELETE)
    for key, right in new.items():
        if key not in old:
            step.sets[key] = encoder.plain(right)
            continue
        left = old[key]
        if left == right and type(left) is type(right):
            continue
        try:
            _inside(step, key, left, right, element)
        except _Inexpressible:
            _item(step, key, left, right, element)
    return step


def _item(step: _Step, key: str, left: Any, right: Any, element: Any) -> None:
    """A mapping's value: deleting it and setting it always works."""
    rules = _Field(element, None, encoder.plain)
    bare, _, _ = _decode.split(element)
    step.sets[key] = encoder.plain(right)
    if bare != str | tuple[str, ...] and not _fits(rules, left, right, right):
        step.deletes[key] = dict(_DELETE)
