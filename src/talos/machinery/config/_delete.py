"""`$patch: delete` in a strategic merge patch: found in the text, carried out on the structs.

On a mapping it deletes the key that holds it, on a list item the first item with the same first other key, at the top
of a document the document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from talos.base import errors
from talos.machinery.config import _decode, _yaml, document, encoder

_MARK = "$patch"


@dataclass(frozen=True, slots=True)
class Delete:
    """What to delete: the document's identity, the way into it, and for a list item a key and its text."""

    kind: str
    name: str
    path: tuple[str, ...] = ()
    key: str = ""
    value: str = ""
    where: str = ""

    def problem(self, message: str) -> errors.Invalid:
        """An Invalid at the place in the patch."""
        return errors.Invalid([errors.Problem(message, ".".join(self.path), self.where)])

    def carry_out(self, target: document.Section) -> Any:
        """Return `target` without it. Raises Invalid when it is not there."""
        return _without(target, self.path, self)


def extract(node: yaml.Node, source: _yaml.Source) -> tuple[list[Delete], bool]:
    """Take the deletions out of a document node; returns them and whether anything is left. Raises Invalid."""
    if not isinstance(node, yaml.MappingNode):
        return [], True
    if not _mentions(node):
        return [], True
    head = {
        key.value: value.value
        for key, value in node.value
        if isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode)
    }
    kind = head.get("kind", "")
    if bool(kind) != bool(head.get("apiVersion")):
        raise errors.Invalid([errors.Problem("kind and apiVersion have to be given together", where=source.at(node))])
    finder = _Finder(kind, head.get("name", "") if kind else "", source)
    if finder.is_marked(node):
        if not kind:
            raise errors.Invalid([errors.Problem("the v1alpha1 document can not be deleted", where=source.at(node))])
        return [Delete(kind, finder.name, where=source.at(node))], False
    finder.mapping(node, ())
    rest = {key.value for key, value in node.value if not isinstance(value, yaml.ScalarNode)}
    rest |= {key for key in (k.value for k, _ in node.value) if key not in ("apiVersion", "kind", "name", "version")}
    return finder.found, bool(rest)


def _mentions(node: yaml.Node) -> bool:
    if isinstance(node, yaml.ScalarNode):
        return bool(node.value == _MARK)
    return any(_mentions(child) for child in _yaml.children(node))


class _Finder:
    def __init__(self, kind: str, name: str, source: _yaml.Source) -> None:
        self.kind = kind
        self.name = name
        self.source = source
        self.found: list[Delete] = []

    def is_marked(self, node: yaml.Node) -> bool:
        if not isinstance(node, yaml.MappingNode):
            return False
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == _MARK:
                if isinstance(value, yaml.ScalarNode) and value.value == "delete":
                    return True
                problem = errors.Problem("the only patch action is 'delete'", where=self.source.at(value))
                raise errors.Invalid([problem])
        return False

    def mapping(self, node: yaml.MappingNode, path: tuple[str, ...]) -> None:
        kept = []
        for key, value in node.value:
            inner = (*path, key.value if isinstance(key, yaml.ScalarNode) else "")
            if self.is_marked(value):
                if "[]" in path:
                    message = "a key inside a list item can not be deleted, delete the item"
                    raise errors.Invalid([errors.Problem(message, ".".join(inner), self.source.at(key))])
                self.found.append(Delete(self.kind, self.name, inner, where=self.source.at(key)))
                continue
            before = len(self.found)
            self.inside(value, inner)
            if len(self.found) == before or value.value:
                kept.append((key, value))
        node.value = kept

    def inside(self, node: yaml.Node, path: tuple[str, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            self.mapping(node, path)
        elif isinstance(node, yaml.SequenceNode):
            self.sequence(node, path)

    def sequence(self, node: yaml.SequenceNode, path: tuple[str, ...]) -> None:
        kept = []
        for item in node.value:
            if self.is_marked(item):
                self.found.append(self.item(item, path))
                continue
            self.inside(item, (*path, "[]"))
            kept.append(item)
        node.value = kept

    def item(self, node: yaml.MappingNode, path: tuple[str, ...]) -> Delete:
        where = self.source.at(node)
        if "[]" in path:
            message = "an item of a list inside a list can not be deleted"
            raise errors.Invalid([errors.Problem(message, ".".join(path), where)])
        for key, value in node.value:
            if key.value != _MARK:
                text = value.value if isinstance(value, yaml.ScalarNode) else ""
                return Delete(self.kind, self.name, path, str(key.value), text, where)
        raise errors.Invalid([errors.Problem("has no key that says which item to delete", ".".join(path), where)])


def _without(target: Any, path: tuple[str, ...], delete: Delete) -> Any:
    name, rest = path[0], path[1:]
    missing = delete.problem("lookup failed: there is nothing to delete")
    if isinstance(target, document.Section):
        kind: Any = type(target)
        field = _decode.fields(kind).get(name)
        if field is None:
            raise missing
        value = getattr(target, field[0])
        if rest:
            if value is None:
                raise missing
            return msgspec.structs.replace(target, **{field[0]: _without(value, rest, delete)})
        if delete.key:
            return msgspec.structs.replace(target, **{field[0]: _without_item(value, delete)})
        empty = {f.encode_name: _default(f) for f in msgspec.structs.fields(kind)}[name]
        return msgspec.structs.replace(target, **{field[0]: empty})
    if isinstance(target, dict) and name in target:
        changed = dict(target)
        if rest:
            changed[name] = _without(target[name], rest, delete)
        elif delete.key:
            changed[name] = _without_item(target[name], delete)
        else:
            del changed[name]
        return changed
    raise missing


def _default(field: Any) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def _without_item(items: Any, delete: Delete) -> Any:
    for n, item in enumerate(items or ()):
        data = encoder.plain(item) if isinstance(item, document.Section) else item
        if isinstance(data, dict) and str(data.get(delete.key, "")) == delete.value and delete.key in data:
            return type(items)([*items[:n], *items[n + 1 :]])
    raise delete.problem(f"lookup failed: no item with {delete.key}: {delete.value}")
