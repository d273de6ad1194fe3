"""Bytes -> Container: the only way a machine configuration comes in.

All problems of all documents are reported at once, each with file:line:column and path. A document without `kind` is
the v1alpha1 one.
"""

from __future__ import annotations

import importlib

import yaml

from talos.base import errors
from talos.machinery.config import _decode, _yaml, container, document, v1alpha1
from talos.machinery.config.documents import _generated_index

_HEAD = frozenset({"apiVersion", "kind"})
_V1ALPHA1_KEYS = frozenset({"version", "machine", "cluster", "debug", "persist"})


def document_class(kind: str) -> type[document.Document] | None:
    """Return the class of a kind, imported when first needed."""
    path = _generated_index.DOCUMENTS.get(kind)
    if path is None:
        return None
    found: type[document.Document] = getattr(importlib.import_module(f"talos.machinery.config.documents.{path}"), kind)
    return found


def _head(node: yaml.MappingNode) -> dict[str, str]:
    return {
        key.value: value.value
        for key, value in node.value
        if isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode) and key.value in _HEAD
    }


class _Loader:
    def __init__(self, source: _yaml.Source) -> None:
        self.source = source
        self.problems: list[errors.Problem] = []
        self.config: v1alpha1.Config | None = None
        self.documents: list[document.Document] = []
        self._seen: dict[tuple[str, str], str] = {}

    def fail(self, node: yaml.Node, message: str, path: str = "") -> None:
        self.problems.append(errors.Problem(message, path, self.source.at(node)))

    def add(self, node: yaml.Node) -> None:
        if not isinstance(node, yaml.MappingNode):
            self.fail(node, "expected a document with keys")
            return
        head = _head(node)
        kind = head.get("kind", "")
        if not kind:
            self._add_v1alpha1(node)
            return
        if not head.get("apiVersion"):
            self.fail(node, f"apiVersion is missing in document {kind!r}")
            return
        self._add_document(node, kind, head["apiVersion"])

    def _add_v1alpha1(self, node: yaml.MappingNode) -> None:
        keys = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
        if not keys & _V1ALPHA1_KEYS:
            self.fail(node, "kind is missing")
            return
        decoder = _decode.Decoder(self.source)
        decoded = decoder.struct(node, v1alpha1.Config, "")
        self.problems += decoder.problems
        if not decoder.problems and decoded.version != "v1alpha1":
            self.fail(node, f"unknown version {decoded.version!r}, expected 'v1alpha1'", "version")
        if self.config is not None:
            self.fail(node, "a second v1alpha1 document")
        self.config = decoded

    def _add_document(self, node: yaml.MappingNode, kind: str, api_version: str) -> None:
        found = document_class(kind)
        if found is None or api_version != found.api_version:
            import difflib

            near = difflib.get_close_matches(kind, _generated_index.DOCUMENTS, n=1)
            hint = f", did you mean {near[0]!r}?" if near and found is None else ""
            self.fail(node, f"{kind!r} {api_version!r} is not registered{hint}", "kind")
            return
        decoder = _decode.Decoder(self.source)
        decoded = decoder.struct(node, found, "", skip=_HEAD)
        self.problems += decoder.problems
        if decoder.problems:
            return
        identity = (kind, getattr(decoded, "name", "") if found.named else "")
        if identity in self._seen:
            self.fail(node, f"duplicate document {decoded.title}, first at {self._seen[identity]}")
        self._seen.setdefault(identity, self.source.at(node))
        self.documents.append(decoded)


def load(source: bytes, *, name: str = "", allow_empty: bool = False) -> container.Container:
    """Decode a configuration. Raises Invalid with every problem found; an empty one is an error too."""
    where, nodes = _yaml.compose(source, name)
    loading = _Loader(where)
    for node in nodes:
        if not _yaml.is_null(node):
            loading.add(node)
    if loading.problems:
        raise errors.Invalid(loading.problems)
    if loading.config is None and not loading.documents and not allow_empty:
        raise errors.Invalid(f"{where.name}: config not found: no document in the input")
    return container.Container(loading.config, loading.documents, source=source)
