"""Nodes -> structs, strictly: every unknown key, duplicate and wrong type is reported, with place, path and hint.

A decoder function is compiled once for each annotation and kept.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import enum
import functools
import sys
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import yaml

from talos.base import errors
from talos.machinery.config import _yaml, values
from talos.machinery.types import pem

_FAILED: Any = object()
# Unstructured data is taken as it is; a struct's keys are compared with its fields.
_SIMILAR = 0.6


class Decoder:
    """Decodes one document and collects what is wrong with it."""

    def __init__(self, source: _yaml.Source) -> None:
        self.source = source
        self.problems: list[errors.Problem] = []

    def fail(self, node: yaml.Node, path: str, message: str) -> Any:
        """Record a problem."""
        self.problems.append(errors.Problem(message, path, self.source.at(node)))
        return _FAILED

    def struct(self, node: yaml.Node, kind: Any, path: str = "", *, skip: frozenset[str] = frozenset()) -> Any:
        """Decode a mapping into a struct; keys in `skip` are somebody else's."""
        if not isinstance(node, yaml.MappingNode):
            return self.fail(node, path, f"expected a mapping, got {name_of(node)}")
        known = fields(kind)
        decoded: dict[str, Any] = {}
        seen: set[str] = set()
        for key, value in _yaml.pairs(node):
            name = self.key(key, path, seen)
            if name is None or name in skip:
                continue
            field = known.get(name)
            if field is None:
                self._unknown(key, path, name, known)
                continue
            attribute, decode, _ = field
            result = decode(self, value, f"{path}.{name}" if path else name)
            if result is not _FAILED:
                decoded[attribute] = result
        return kind(**decoded)

    def key(self, node: yaml.Node, path: str, seen: set[str]) -> str | None:
        """Return a mapping key's text; None, and a problem, when it is no text or comes twice."""
        if not isinstance(node, yaml.ScalarNode):
            self.fail(node, path, "expected text as a key")
            return None
        name: str = node.value
        if name in seen:
            self.fail(node, join(path, name), "given twice")
            return None
        seen.add(name)
        return name

    def _unknown(self, key: yaml.Node, path: str, name: str, known: dict[str, Any]) -> None:
        near = nearest(name, known)
        hint = f", did you mean {near!r}?" if near else ""
        self.fail(key, join(path, name), f"unknown key{hint}")

    def unstructured(self, node: yaml.Node, path: str) -> Any:
        """Return any node as plain data; keys are text and may not repeat."""
        if isinstance(node, yaml.ScalarNode):
            return _yaml.scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.unstructured(item, f"{path}[{n}]") for n, item in enumerate(node.value)]
        assert isinstance(node, yaml.MappingNode)
        found: dict[str, Any] = {}
        seen: set[str] = set()
        for key, value in _yaml.pairs(node):
            name = self.key(key, path, seen)
            if name is not None:
                found[name] = self.unstructured(value, join(path, name))
        return found


Decode = Callable[[Decoder, yaml.Node, str], Any]


def join(path: str, name: str) -> str:
    """`machine.network` and `hostname` -> `machine.network.hostname`; names with dots are quoted."""
    if "." in name or "[" in name:
        name = f'"{name}"'
    return f"{path}.{name}" if path else name


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known word closest to `name`, or nothing when none is close."""
    folded = {word.lower(): word for word in known}
    if name.lower() in folded:
        return folded[name.lower()]
    import difflib

    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=_SIMILAR)
    return folded[near[0]] if near else ""


def name_of(node: yaml.Node) -> str:
    """What a node is, for messages."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    text = node.value if len(node.value) <= 60 else node.value[:57] + "..."
    return f"{text!r}" if text else "nothing"


def is_set(value: Any, path: str) -> bool:
    """Whether the key at a dotted path of a struct holds anything."""
    for name in path.split("."):
        if value is None:
            return False
        kind: Any = type(value)
        value = getattr(value, fields(kind)[name][0])
    return value is False or value not in (None, "", (), {}, b"", 0)


@functools.cache
def fields(kind: Any) -> dict[str, tuple[str, Decode, Any]]:
    """YAML key -> (attribute, decoder, annotation) of a struct's fields."""
    resolved = _annotations(kind)
    last = {name for base in kind.__mro__[1:] if vars(base).get("trailing") for name in base.__struct_fields__}
    declared = zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
    ordered = sorted(declared, key=lambda names: names[0] in last)
    return {key: (name, functools.partial(_decode_as, resolved[name]), resolved[name]) for name, key in ordered}


def _annotations(kind: Any) -> dict[str, Any]:
    """Attribute -> annotation. As typing.get_type_hints, in a fifth of its time."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        texts = vars(base).get("__annotations__") or {}
        names = base.__struct_fields__ if texts else ()
        found |= {name: _evaluated(base.__module__, text) for name, text in texts.items() if name in names}
    return found


@functools.cache
def _evaluated(module: str, text: Any) -> Any:
    # The text is that of an annotation in our own source.
    return eval(text, vars(sys.modules[module])) if isinstance(text, str) else text  # noqa: S307


def _decode_as(annotation: Any, decoder: Decoder, node: yaml.Node, path: str) -> Any:
    """Decode; the decoder is compiled when the first such key is met."""
    return _field(annotation)(decoder, node, path)


@functools.cache
def _field(annotation: Any) -> Decode:
    """The decoder of a field. A null leaves the default of a word out of a list that has no empty one."""
    decode = compiled(annotation)
    _, marks, optional = split(annotation)
    if optional or not _is_closed(marks):
        return decode
    return lambda decoder, node, path: _FAILED if _yaml.is_null(node) else decode(decoder, node, path)


def _is_closed(marks: tuple[Any, ...]) -> bool:
    """Whether a value is a word of a list without an empty one."""
    choice = next((m for m in marks if isinstance(m, values.Choice)), None)
    return choice is not None and "" not in choice.texts


def split(annotation: Any) -> tuple[Any, tuple[Any, ...], bool]:
    """Take an annotation apart: (bare type, marks and forms, may be None)."""
    marks: tuple[Any, ...] = ()
    optional = False
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            annotation, *extra = typing.get_args(annotation)
            marks += tuple(extra)
        elif isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
            choices = [a for a in typing.get_args(annotation) if a is not type(None)]
            if len(choices) == len(typing.get_args(annotation)):
                return annotation, marks, optional
            optional = True
            annotation = choices[0] if len(choices) == 1 else typing.Union[tuple(choices)]  # noqa: UP007
        else:
            return annotation, marks, optional


@functools.cache
def compiled(annotation: Any) -> Decode:
    """Return the decoder of an annotation."""
    bare, marks, optional = split(annotation)
    decode = _decoder(bare, marks)
    if not optional and _is_closed(marks):
        # In a list a null is no word; in a section it leaves the default, see `_field`.
        return decode
    empty = None if optional else _zero(bare)
    # A tuple or mapping that may be None tells `[]` from nothing; nulls of Any stay None.

    def nullable(decoder: Decoder, node: yaml.Node, path: str) -> Any:
        if not isinstance(node, yaml.ScalarNode) or not _yaml.is_null(node):
            return decode(decoder, node, path)
        return empty

    return nullable


def _zero(bare: Any) -> Any:
    origin = typing.get_origin(bare) or bare
    if origin in (tuple, dict, str, int, bool, float, bytes):
        return origin()
    if isinstance(origin, type) and issubclass(origin, msgspec.Struct):
        return origin()
    return None


def _decoder(bare: Any, marks: tuple[Any, ...]) -> Decode:
    origin = typing.get_origin(bare)
    if bare is Any:
        return Decoder.unstructured
    if origin is tuple:
        return _tuple(typing.get_args(bare)[0])
    if origin is dict:
        return _mapping(typing.get_args(bare)[1])
    if origin in (types.UnionType, typing.Union):
        return _one_or_many
    if bare in _PEM:
        return functools.partial(_pem, kind=bare)
    if issubclass(bare, msgspec.Struct):
        return lambda decoder, node, path: decoder.struct(node, bare, path)
    if issubclass(bare, enum.Enum):
        return _choice(tuple(str(member.value) for member in bare), bare)
    choice = next((m for m in marks if isinstance(m, values.Choice)), None)
    if choice is not None:
        return _choice(choice.texts, str)
    return _SCALARS[bare](marks)


def _tuple(element: Any) -> Decode:
    decode = compiled(element)

    def run(decoder: Decoder, node: yaml.Node, path: str) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            return decoder.fail(node, path, f"expected a list, got {name_of(node)}")
        items = [decode(decoder, item, f"{path}[{n}]") for n, item in enumerate(node.value)]
        return tuple(item for item in items if item is not _FAILED)

    return run


def _mapping(element: Any) -> Decode:
    decode = compiled(element)

    def run(decoder: Decoder, node: yaml.Node, path: str) -> Any:
        if not isinstance(node, yaml.MappingNode):
            return decoder.fail(node, path, f"expected a mapping, got {name_of(node)}")
        found: dict[str, Any] = {}
        seen: set[str] = set()
        for key, value in _yaml.pairs(node):
            name = decoder.key(key, path, seen)
            if name is None:
                continue
            decoded = decode(decoder, value, join(path, name))
            if decoded is not _FAILED:
                found[name] = decoded
        return found

    return run


def _one_or_many(decoder: Decoder, node: yaml.Node, path: str) -> Any:
    """Text or a list of texts."""
    return compiled(tuple[str, ...] if isinstance(node, yaml.SequenceNode) else str)(decoder, node, path)


def _pem(decoder: Decoder, node: yaml.Node, path: str, kind: Any) -> Any:
    """A certificate, a key or both, each as base64 of PEM."""
    texts = decoder.struct(node, _PEM[kind], path)
    if texts is _FAILED:
        return _FAILED
    decoded: dict[str, bytes] = {}
    for name in kind.__struct_fields__:
        try:
            decoded[name] = base64.b64decode("".join(getattr(texts, name).split()), validate=True)
        except (binascii.Error, ValueError):
            return decoder.fail(node, f"{path}.{name}", "expected base64")
    return kind(**decoded)


def _choice(texts: tuple[str, ...], build: Callable[[str], Any]) -> Decode:
    wanted = ", ".join(texts)

    def run(decoder: Decoder, node: yaml.Node, path: str) -> Any:
        if isinstance(node, yaml.ScalarNode):
            if node.value in texts:
                return build(node.value)
            near = nearest(node.value, texts)
            if near:
                return decoder.fail(node, path, f"expected one of {wanted}, got {name_of(node)}, did you mean {near}?")
        return decoder.fail(node, path, f"expected one of {wanted}, got {name_of(node)}")

    return run


def _scalar(wanted: str, parse: Callable[[str, bool], Any]) -> Decode:
    """`parse` gets the text and whether it is unquoted, and raises ValueError."""

    def run(decoder: Decoder, node: yaml.Node, path: str) -> Any:
        if isinstance(node, yaml.ScalarNode):
            try:
                return parse(node.value, not node.style)
            except ValueError as error:
                reason = str(error) if isinstance(error, values.Reason) else f"expected {wanted}"
                return decoder.fail(node, path, f"{reason}, got {name_of(node)}")
        return decoder.fail(node, path, f"expected {wanted}, got {name_of(node)}")

    return run


def _text(marks: tuple[Any, ...]) -> Decode:
    form = next((m for m in marks if isinstance(m, values.Form)), None)
    if form is None:
        return _scalar("text", lambda text, _: text)
    parse = form.parse
    # An empty value is an unset one.
    return _scalar(form.wanted, lambda text, _: parse(text) if text else "")


def _boolean(_: tuple[Any, ...]) -> Decode:
    def parse(text: str, unquoted: bool) -> bool:
        if not unquoted or text not in _yaml.TRUE_1_1 | _yaml.FALSE_1_1:
            raise ValueError(text)
        return text in _yaml.TRUE_1_1

    return _scalar("true or false", parse)


def _whole_number(marks: tuple[Any, ...]) -> Decode:
    bounds = next((m for m in marks if isinstance(m, values.Range)), values.Range(-(1 << 63), (1 << 63) - 1))

    def parse(text: str, unquoted: bool) -> int:
        number = _yaml.integer(text) if unquoted else None
        if number is None:
            raise ValueError(text)
        if not bounds.low <= number <= bounds.high:
            raise values.Reason(f"expected an integer from {bounds.low} to {bounds.high}")
        return number

    return _scalar("an integer", parse)


def _bytes(marks: tuple[Any, ...]) -> Decode:
    if values.Spelling.BASE64 in marks:
        return _scalar("base64", lambda text, _: base64.b64decode("".join(text.split()), validate=True))
    return _scalar("text", lambda text, _: text.encode())


_SCALARS: dict[Any, Callable[[tuple[Any, ...]], Decode]] = {
    str: _text,
    bool: _boolean,
    int: _whole_number,
    float: lambda _: _scalar("a number", lambda text, _: float(text)),
    bytes: _bytes,
    datetime.timedelta: lambda _: _scalar("a duration such as 1h30m", lambda text, _: values.parse_duration(text)),
}


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
