"""What differs between two configurations, by meaning: documents are matched by kind and name, mappings by key.

The order of documents and keys says nothing. Lists whose items know one another (links by name) are matched item by
item, others as wholes of which items come and go; another order of the same items counts only when asked for. Values
that are secret are compared, and never shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from talos.machinery.config import _decode, container, document, encoder, redact
from talos.machinery.types import pem

LEGACY = "v1alpha1"
_PEM = (pem.CertificateAndKey, pem.Certificate, pem.Key)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `action` is added, removed, changed or reordered; the path is empty for a whole document.

    `old` and `new` are plain data without secrets, None where there is nothing.
    """

    action: str
    document: str
    path: str
    old: Any = None
    new: Any = None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class _Pair:
    """A value, and the same without secrets."""

    raw: Any
    shown: Any


def changes(old: container.Container, new: container.Container, *, order: bool = False) -> list[Change]:
    """Return the differences, documents in the order of their titles, the v1alpha1 one first."""
    before, after = _documents(old), _documents(new)
    walk = _Walk(order)
    for title in sorted(before.keys() | after.keys(), key=lambda title: (title != LEGACY, title)):
        walk.title = title
        left, right = before.get(title), after.get(title)
        if left is None and right is not None:
            walk.add("added", "", None, right)
        elif right is None and left is not None:
            walk.add("removed", "", left, None)
        elif left is not None and right is not None:
            walk.value(left, right, "")
    return walk.found


def _documents(config: container.Container) -> dict[str, _Pair]:
    shown = redact.redact(config)
    found = {one.title: _Pair(one, safe) for one, safe in zip(config.documents, shown.documents, strict=True)}
    if config.v1alpha1 is not None:
        found[LEGACY] = _Pair(config.v1alpha1, shown.v1alpha1)
    return found


class _Walk:
    def __init__(self, order: bool) -> None:
        self.order = order
        self.title = ""
        self.found: list[Change] = []

    def add(self, action: str, path: str, old: _Pair | None, new: _Pair | None) -> None:
        left, right = (_plain(pair.shown) if pair is not None else None for pair in (old, new))
        secret = action == "changed" and left == right
        self.found.append(Change(action, self.title, path, left, right, secret))

    def value(self, old: _Pair, new: _Pair, path: str) -> None:
        if old.raw == new.raw and type(old.raw) is type(new.raw):
            return
        if isinstance(old.raw, document.Section) and type(old.raw) is type(new.raw):
            self.mapping(_keys(old), _keys(new), path)
        elif isinstance(old.raw, _PEM) and isinstance(new.raw, _PEM):
            self.mapping(_halves(old), _halves(new), path)
        elif isinstance(old.raw, Mapping) and isinstance(new.raw, Mapping):
            self.mapping(_entries(old), _entries(new), path)
        elif isinstance(old.raw, list | tuple) and isinstance(new.raw, list | tuple):
            self.items(_items(old), _items(new), path)
        else:
            self.add("changed", path, old, new)

    def mapping(self, old: dict[str, _Pair], new: dict[str, _Pair], path: str) -> None:
        for key in [*old, *(key for key in new if key not in old)]:
            inner = _decode.join(path, key)
            if key not in new:
                self.add("removed", inner, old[key], None)
            elif key not in old:
                self.add("added", inner, None, new[key])
            else:
                self.value(old[key], new[key], inner)

    def items(self, old: Sequence[_Pair], new: Sequence[_Pair], path: str) -> None:
        rest = list(enumerate(new))
        lost: list[tuple[int, _Pair]] = []
        for n, item in enumerate(old):
            place = next((k for k, (_, other) in enumerate(rest) if other.raw == item.raw), None)
            if place is None:
                lost.append((n, item))
            else:
                del rest[place]
        if not lost and not rest and self.order:
            self.found.append(Change("reordered", self.title, path, _plain_list(old), _plain_list(new)))
        for n, item in lost:
            place = next((k for k, (m, other) in enumerate(rest) if _related(item.raw, other.raw, n == m)), None)
            if place is None:
                self.add("removed", f"{path}[{n}]", item, None)
            else:
                m, other = rest.pop(place)
                self.value(item, other, f"{path}[{m}]")
        for m, other in rest:
            self.add("added", f"{path}[{m}]", None, other)


def _related(old: Any, new: Any, same_place: bool) -> bool:
    """Whether one item became the other: they know one another, or stand in the same place."""
    if isinstance(old, document.Section) and isinstance(new, document.Section):
        return old.merges_with(new) or same_place
    return same_place and type(old) is type(new)


def _keys(pair: _Pair) -> dict[str, _Pair]:
    shown = {key: value for _, key, value, _ in encoder.written(pair.shown)}
    return {key: _Pair(value, shown.get(key)) for _, key, value, _ in encoder.written(pair.raw) if value is not None}


def _halves(pair: _Pair) -> dict[str, _Pair]:
    """Certificate and key as the text they are."""
    shown = pair.shown
    return {
        name: _Pair(raw, getattr(shown, name).decode(errors="replace"))
        for name in pair.raw.__struct_fields__
        if (raw := getattr(pair.raw, name))
    }


def _entries(pair: _Pair) -> dict[str, _Pair]:
    return {key: _Pair(value, pair.shown.get(key)) for key, value in pair.raw.items()}


def _items(pair: _Pair) -> list[_Pair]:
    return [_Pair(raw, shown) for raw, shown in zip(pair.raw, pair.shown, strict=True)]


def _plain(value: Any) -> Any:
    return encoder.document_data(value) if isinstance(value, document.Document) else encoder.plain(value)


def _plain_list(pairs: Sequence[_Pair]) -> list[Any]:
    return [_plain(pair.shown) for pair in pairs]


# For people --

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "reordered": "~"}
_COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "~": "\x1b[33m", "": "\x1b[1m"}
_RESET = "\x1b[0m"


def text(found: Sequence[Change], *, colour: bool = False) -> str:
    """Return the differences as lines for people; empty when there are none."""
    lines: list[tuple[str, str]] = []
    title = ""
    for one in found:
        sign = _SIGNS[one.action]
        if not one.path:
            lines.append((sign, f"{sign} {one.document}"))
            lines += [(sign, f"{sign}   {line}") for line in _yaml(one.new if sign == "+" else one.old)]
            title = ""
            continue
        if one.document != title:
            title = one.document
            lines.append(("", title))
        lines += [(sign, f"  {sign} {line}") for line in _said(one)]
    if not colour:
        return "".join(f"{line}\n" for _, line in lines)
    return "".join(f"{_COLOURS[sign]}{line}{_RESET}\n" for sign, line in lines)


def _said(one: Change) -> Iterator[str]:
    if one.secret:
        yield f"{one.path}: the secret value differs"
    elif one.action == "reordered":
        yield f"{one.path}: same items in another order: {_short(one.old)} -> {_short(one.new)}"
    elif one.action == "changed":
        yield f"{one.path}: {_short(one.old)} -> {_short(one.new)}"
    else:
        value = one.new if one.action == "added" else one.old
        if isinstance(value, Mapping | list) and value:
            yield f"{one.path}:"
            yield from (f"  {line}" for line in _yaml(value))
        else:
            yield f"{one.path}: {_short(value)}"


def _short(value: Any) -> str:
    return value if isinstance(value, str) and value and "\n" not in value else json.dumps(value, ensure_ascii=False)


def _yaml(value: Any) -> list[str]:
    return encoder.document_text(value).splitlines()


def unified(old: container.Container, new: container.Container, *, colour: bool = False) -> str:
    """Return a unified diff of both configurations as they would be written, documents in one order, no secrets."""
    import difflib

    left, right = (_lines(config) for config in (old, new))
    found = [line.rstrip("\n") for line in difflib.unified_diff(left, right, old.name or "old", new.name or "new")]
    if not colour:
        return "".join(f"{line}\n" for line in found)
    return "".join(f"{_unified_colour(line)}{line}{_RESET}\n" for line in found)


def _unified_colour(line: str) -> str:
    if line.startswith(("---", "+++")):
        return _COLOURS[""]
    return _COLOURS.get(line[:1], "") if line[:1] in "+-" else ""


def _lines(config: container.Container) -> list[str]:
    shown = redact.redact(config)
    ordered = sorted(shown.documents, key=lambda one: one.title)
    return encoder.encode(container.Container(shown.v1alpha1, ordered)).decode().splitlines()
