"""Configurations with comments: what each key means, and examples of those that are not set.

Comments are only that: what is read back is the same with and without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from talos.machinery.config import _emitter, container, docs, document, encoder

_KEPT = 128
_WRITTEN: dict[tuple[type[document.Document], str, bool, bool], str] = {}


def encode(bundle: container.Container, *, docs: bool, examples: bool) -> bytes:
    """Return all documents as one YAML stream with comments."""
    writer = _Writer(docs=docs, examples=examples)
    parts = []
    if bundle.v1alpha1 is not None:
        from talos.machinery.config.v1alpha1 import example

        machine = bundle.v1alpha1.machine
        plane = machine is not None and machine.type in ("controlplane", "init")
        shown = example.config(plane=plane) if examples else None
        parts.append(encoder.document_text(writer.section(bundle.v1alpha1, shown)))
    parts += [_document(one, docs=docs, examples=examples) for one in bundle.documents]
    return "---\n".join(parts).encode()


def _document(one: document.Document, *, docs: bool, examples: bool) -> str:
    """Most documents of control planes and workers are the same, and comments take their time."""
    key = (type(one), repr(encoder.document_data(one)), docs, examples)
    if key not in _WRITTEN:
        if len(_WRITTEN) >= _KEPT:
            _WRITTEN.clear()
        _WRITTEN[key] = encoder.document_text(_Writer(docs=docs, examples=examples).whole(one))
    return _WRITTEN[key]


class _Writer:
    def __init__(self, *, docs: bool, examples: bool) -> None:
        self.docs = docs
        self.examples = examples

    def whole(self, value: document.Document) -> _emitter.Explained:
        """A document, its head first."""
        found = _emitter.Explained()
        found |= {"apiVersion": value.api_version, "kind": value.kind}
        if self.docs:
            found.notes["kind"] = docs.about(type(value))
        self._fill(found, value, type(value).example() if self.examples else None)
        return found

    def section(self, value: document.Section, example: document.Section | None) -> _emitter.Explained:
        """A section; `example` is one of the same type."""
        found = _emitter.Explained()
        self._fill(found, value, example)
        return found

    def _fill(self, found: _emitter.Explained, value: document.Section, example: document.Section | None) -> None:
        is_set = {attribute: item for attribute, _, item, _ in encoder.written(value)}
        shown = {attribute: item for attribute, _, item, _ in encoder.written(example)} if example else {}
        texts = docs.fields(type(value)) if self.docs else {}
        for attribute, key, convert in encoder.keys(type(value)):
            if attribute in is_set:
                found[key] = self._value(is_set[attribute], shown.get(attribute), convert)
            elif attribute in shown:
                found[key] = convert(shown[attribute])
                found.examples.add(key)
            else:
                continue
            if text := texts.get(attribute):
                found.notes[key] = text

    def _value(self, value: Any, example: Any, convert: Any) -> Any:
        if isinstance(value, document.Section):
            return self.section(value, example if isinstance(example, type(value)) else None)
        if isinstance(value, tuple) and value and isinstance(value[0], document.Section):
            # One item explains the others.
            return [self.section(value[0], None), *(convert(item) for item in value[1:])]
        if isinstance(value, Mapping) and any(isinstance(item, document.Section) for item in value.values()):
            return {key: self._value(item, None, encoder.plain) for key, item in value.items()}
        return convert(value)
