"""Strategic merge of two structs, by the original's rules.

A value of the patch wins unless it is empty; a boolean that is given always wins; mappings merge key by key; lists
grow, but for items that know they mean one another (links by name, VLANs by number, plug-ins by name); fields marked
REPLACE are taken whole.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from talos.base import errors
from talos.machinery.config import _decode, document, values
from talos.machinery.types import pem

_EMPTY: tuple[Any, ...] = (None, "", (), {}, b"", 0)


def section(left: Any, right: Any) -> Any:
    """Return `left` with what `right` says. Both are of one class. Raises Invalid for data that can not be merged."""
    kind: Any = type(left)
    changes = {
        attribute: field(getattr(left, attribute), getattr(right, attribute), annotation, key)
        for key, (attribute, _, annotation) in _decode.fields(kind).items()
    }
    return msgspec.structs.replace(left, **changes)


def field(left: Any, right: Any, annotation: Any, key: str) -> Any:
    """Return the value of one field, `left` with what `right` says. Raises Invalid as `section` does."""
    bare, marks, _ = _decode.split(annotation)
    if replaces(marks):
        return left if right is None or right == () else right
    if left and right and values.URL in marks:
        return _url(left, right)
    return _value(left, right, bare, key)


def replaces(marks: tuple[Any, ...]) -> bool:
    """Whether a field with these marks is taken whole instead of merged."""
    return values.REPLACE in marks


def _value(left: Any, right: Any, bare: Any, path: str) -> Any:
    if right is None:
        return left
    if left is None:
        return right
    if isinstance(left, document.Section):
        return section(left, right)
    if isinstance(left, pem.CertificateAndKey | pem.Certificate | pem.Key):
        changed = {n: getattr(right, n) or getattr(left, n) for n in left.__struct_fields__}
        return type(left)(**changed)
    origin = typing.get_origin(bare)
    if origin is tuple:
        return _items(left, right)
    if origin is dict:
        return _mapping(left, right, typing.get_args(bare)[1], path)
    if bare is Any:
        return _plain(left, right, path)
    return right if isinstance(right, bool) or right not in _EMPTY else left


def _url(left: str, right: str) -> str:
    """Merge URLs as the original does: part by part, so that a path stays unless the patch has one."""
    one, other = urlsplit(left), urlsplit(right)
    return urlunsplit([mine or theirs for theirs, mine in zip(one, other, strict=True)])


def _items(left: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
    merged = list(left)
    for item in right:
        same = next(
            (n for n, one in enumerate(merged) if isinstance(one, document.Section) and one.merges_with(item)), None
        )
        if same is None:
            merged.append(item)
        else:
            merged[same] = section(merged[same], item)
    return tuple(merged)


def _mapping(left: Mapping[str, Any], right: Mapping[str, Any], element: Any, path: str) -> dict[str, Any]:
    merged = dict(left)
    inner, _, _ = _decode.split(element)
    for key, value in right.items():
        if merged.get(key) is None or inner == str | tuple[str, ...]:
            merged[key] = value
        else:
            merged[key] = _value(merged[key], value, inner, f"{path}.{key}")
    return merged


def _plain(left: Any, right: Any, path: str) -> Any:
    """Merge data of a format that is not ours: mappings merge, lists grow, the rest wins unless empty."""
    if right is None:
        return left
    if isinstance(left, dict) and isinstance(right, dict):
        return _mapping(left, right, Any, path)
    if isinstance(left, list) and isinstance(right, list):
        return [*left, *right]
    if isinstance(left, bool) and isinstance(right, bool):
        return right
    if type(left) is not type(right):
        raise errors.Invalid([errors.Problem(f"{_name(right)} can not be merged into {_name(left)}", path)])
    return left if right in _EMPTY else right


def _name(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else f"{value!r}"
