"""Container -> YAML in the original's style: 4 spaces, keys in declaration order, what is empty left out.

What counts as empty is Go's rule: no value, empty text, zero, no items. A field that may be None is left out only when
it is None; one marked ALWAYS is written whatever it holds.
"""

from __future__ import annotations

import base64
import datetime
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from talos.machinery.config import _decode, _emitter, container, document, values
from talos.machinery.types import pem

_PEM = (pem.CertificateAndKey, pem.Certificate, pem.Key)


@functools.cache
def _layout(kind: type[msgspec.Struct]) -> tuple[tuple[str, str, bool, bool, Callable[[Any], Any]], ...]:
    """(attribute, key, always written, may be None, to plain data) of a struct's fields, in order."""
    found = []
    for key, (attribute, _, annotation) in _decode.fields(kind).items():
        _, marks, optional = _decode.split(annotation)
        convert = _octal if values.Spelling.OCTAL in marks else _base64 if values.Spelling.BASE64 in marks else plain
        found.append((attribute, key, values.ALWAYS in marks, optional, convert))
    return tuple(found)


def _octal(value: int) -> Any:
    return _emitter.Verbatim(f"0o{value:o}")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def plain(value: Any) -> Any:
    """Return a value of a field as plain data."""
    if isinstance(value, str | bool | int | float) or value is None:
        return str(value) if isinstance(value, str) else value
    if isinstance(value, _PEM):
        return _emitter.Fields((name, _base64(getattr(value, name))) for name in value.__struct_fields__)
    if isinstance(value, msgspec.Struct):
        return struct(value)
    if isinstance(value, datetime.timedelta):
        return values.format_duration(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value]


def struct(value: msgspec.Struct) -> _emitter.Fields:
    """Return a struct as plain data without the fields that are empty."""
    return _emitter.Fields((key, convert(item)) for _, key, item, convert in written(value))


def keys(kind: type[msgspec.Struct]) -> list[tuple[str, str, Callable[[Any], Any]]]:
    """(attribute, key, to plain data) of all fields, in order."""
    return [(attribute, key, convert) for attribute, key, _, _, convert in _layout(kind)]


def written(value: msgspec.Struct) -> Iterator[tuple[str, str, Any, Callable[[Any], Any]]]:
    """(attribute, key, value, to plain data) of the fields that are not left out, in order."""
    for attribute, key, always, optional, convert in _layout(type(value)):
        item = getattr(value, attribute)
        if always or (item is not None if optional else item not in ("", (), {}, b"", 0, False)):
            yield attribute, key, item, convert


def document_data(value: document.Document) -> _emitter.Fields:
    """Return a document as plain data, apiVersion and kind first."""
    return _emitter.Fields({"apiVersion": value.api_version, "kind": value.kind, **struct(value)})


def dump(data: Any) -> str:
    """Return plain data as one YAML document, keys in the order they have."""
    return _emitter.emit(_ordered(data))


def _ordered(data: Any) -> Any:
    if isinstance(data, Mapping):
        return _emitter.Fields((key, _ordered(value)) for key, value in data.items())
    return [_ordered(item) for item in data] if isinstance(data, list | tuple) else data


def fields(data: Mapping[str, Any]) -> _emitter.Fields:
    """Return a mapping whose keys are written in the order they have; keys of those inside it are left as they are."""
    return _emitter.Fields(data)


def document_text(data: _emitter.Fields) -> str:
    """Return a document or section as YAML: fields in their order, keys of free mappings sorted."""
    return _emitter.emit(data)


def encode(bundle: container.Container, *, docs: bool = False, examples: bool = False) -> bytes:
    """Return all documents as one YAML stream.

    `docs` says in comments what keys mean, `examples` adds keys that are not set, as comments: both read back the same.
    """
    if docs or examples:
        from talos.machinery.config import explained

        return explained.encode(bundle, docs=docs, examples=examples)
    parts = [] if bundle.v1alpha1 is None else [document_text(struct(bundle.v1alpha1))]
    parts += [document_text(document_data(found)) for found in bundle.documents]
    return "---\n".join(parts).encode()
