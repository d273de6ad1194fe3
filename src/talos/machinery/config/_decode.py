"""Nodes -> structs, strictly: every unknown key, duplicate and wrong type is reported, with place, path and hint."""

from __future__ import annotations

import base64
import binascii
import datetime
import difflib
import functools
import re
import types
import typing
from typing import Any

import msgspec
import yaml

from talos.base import errors
from talos.machinery.config import _yaml
from talos.machinery.types import pem

_FAILED: Any = object()
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_UNIT_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> datetime.timedelta:
    """Parse a duration as Go does (`1h30m`, `1.5s`, `0`). Raises ValueError."""
    rest = text.lstrip("+-")
    if rest == "0":
        return datetime.timedelta()
    matched = list(_DURATION_PART.finditer(rest))
    if not matched or "".join(m.group(0) for m in matched) != rest:
        raise ValueError(text)
    seconds = sum(float(m.group(1)) * _UNIT_S[m.group(2)] for m in matched)
    return datetime.timedelta(seconds=-seconds if text.startswith("-") else seconds)


@functools.cache
def hints(kind: Any) -> dict[str, Any]:
    """Types of a struct's fields by their YAML key."""
    resolved = typing.get_type_hints(kind)
    return {f.encode_name: (f.name, resolved[f.name]) for f in msgspec.structs.fields(kind)}


class Decoder:
    """Decodes one document and collects what is wrong with it."""

    def __init__(self, source: _yaml.Source) -> None:
        self.source = source
        self.problems: list[errors.Problem] = []

    def fail(self, node: yaml.Node, path: str, message: str) -> Any:
        """Record a problem."""
        self.problems.append(errors.Problem(message, path, self.source.at(node)))
        return _FAILED

    def struct(self, node: yaml.Node, kind: Any, path: str, *, skip: frozenset[str] = frozenset()) -> Any:
        """Decode a mapping into a struct."""
        if not isinstance(node, yaml.MappingNode):
            return self.fail(node, path, f"expected a mapping, got {_name(node)}")
        known = hints(kind)
        values: dict[str, Any] = {}
        seen: set[str] = set()
        for key, value in _yaml.pairs(node):
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            where = f"{path}.{name}" if path else name
            if name in seen:
                self.fail(key, where, f"key {name!r} is given twice")
                continue
            seen.add(name)
            if name in skip:
                continue
            if name not in known:
                self._unknown(key, path, name, known)
                continue
            attribute, expected = known[name]
            decoded = self.value(value, expected, where)
            if decoded is not _FAILED and not (_yaml.is_null(value) and decoded is None):
                values[attribute] = decoded
        return kind(**values)

    def _unknown(self, key: yaml.Node, path: str, name: str, known: dict[str, Any]) -> None:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        hint = f", did you mean {near[0]!r}?" if near else ""
        self.fail(key, f"{path}.{name}" if path else name, f"unknown key {name!r}{hint}")

    def value(self, node: yaml.Node, expected: Any, path: str) -> Any:
        """Decode a node into the expected type."""
        optional = isinstance(expected, types.UnionType) and type(None) in typing.get_args(expected)
        if _yaml.is_null(node):
            return None if optional or expected is Any else _zero(expected)
        if isinstance(expected, types.UnionType):
            choices = [a for a in typing.get_args(expected) if a is not type(None)]
            if len(choices) == 2:
                return self._scalar_or_list(node, path)
            expected = choices[0]
        if expected is Any:
            return _yaml.plain(node)
        origin = typing.get_origin(expected)
        if origin is tuple:
            return self._tuple(node, typing.get_args(expected)[0], path)
        if origin is dict:
            return self._dict(node, typing.get_args(expected)[1], path)
        if isinstance(expected, type) and issubclass(expected, msgspec.Struct):
            return self._pem(node, expected, path) if expected in _PEM else self.struct(node, expected, path)
        return self._scalar(node, expected, path)

    def _scalar_or_list(self, node: yaml.Node, path: str) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return self._tuple(node, str, path)
        return self._scalar(node, str, path)

    def _tuple(self, node: yaml.Node, element: Any, path: str) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            return self.fail(node, path, f"expected a list, got {_name(node)}")
        items = [self.value(item, element, f"{path}[{n}]") for n, item in enumerate(node.value)]
        return tuple(item for item in items if item is not _FAILED)

    def _dict(self, node: yaml.Node, element: Any, path: str) -> Any:
        if not isinstance(node, yaml.MappingNode):
            return self.fail(node, path, f"expected a mapping, got {_name(node)}")
        values: dict[str, Any] = {}
        for key, value in _yaml.pairs(node):
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in values:
                self.fail(key, f"{path}.{name}", f"key {name!r} is given twice")
                continue
            decoded = self.value(value, element, f"{path}.{name}")
            if decoded is not _FAILED:
                values[name] = decoded
        return values

    def _pem(self, node: yaml.Node, kind: Any, path: str) -> Any:
        """Certificate and key are base64 of PEM."""
        texts = self.struct(node, _PEM[kind], path)
        if texts is _FAILED:
            return _FAILED
        values: dict[str, bytes] = {}
        for name in kind.__struct_fields__:
            try:
                values[name] = base64.b64decode(getattr(texts, name), validate=True)
            except (binascii.Error, ValueError):
                return self.fail(node, f"{path}.{name}", "expected base64")
        return kind(**values)

    def _scalar(self, node: yaml.Node, expected: Any, path: str) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            return self.fail(node, path, f"expected {_WORDS.get(expected, 'a value')}, got {_name(node)}")
        text: str = node.value
        plain = not node.style
        if expected is str:
            return text
        if expected is bool:
            if plain and text in _yaml.TRUE_1_1 | _yaml.FALSE_1_1:
                return text in _yaml.TRUE_1_1
        elif expected is int:
            number = _yaml.integer(text) if plain else None
            if number is not None:
                return number
        elif expected is float:
            try:
                return float(text)
            except ValueError:
                pass
        elif expected is datetime.timedelta:
            try:
                return parse_duration(text)
            except ValueError:
                pass
        elif expected is bytes:
            return text.encode()
        return self.fail(node, path, f"expected {_WORDS.get(expected, 'a value')}, got {text!r}")


class _CertificateAndKeyText(msgspec.Struct):
    crt: str = ""
    key: str = ""


class _CertificateText(msgspec.Struct):
    crt: str = ""


class _KeyText(msgspec.Struct):
    key: str = ""


_PEM: dict[Any, Any] = {
    pem.CertificateAndKey: _CertificateAndKeyText,
    pem.Certificate: _CertificateText,
    pem.Key: _KeyText,
}
_WORDS: dict[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    datetime.timedelta: "a duration such as 1h30m",
}


def _zero(expected: Any) -> Any:
    origin = typing.get_origin(expected)
    if origin is tuple:
        return ()
    if origin is dict:
        return {}
    return expected() if isinstance(expected, type) else None


def _name(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return f"{node.value!r}"
