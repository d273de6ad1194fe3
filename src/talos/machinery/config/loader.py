"""Bytes -> Container: the only way a machine configuration comes in.

All problems of all documents are reported at once, each with file:line:column and path. A document without `kind` is
the v1alpha1 one.
"""

from __future__ import annotations

import functools
import importlib

import yaml

from talos.base import errors
from talos.machinery.config import _decode, _yaml, container, document, v1alpha1
from talos.machinery.config.documents import _generated_index

_HEAD = frozenset({"apiVersion", "kind"})
_V1ALPHA1_KEYS = frozenset({"version", "machine", "cluster", "debug", "persist"})


@functools.cache
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
        for key, value in _yaml.pairs(node)
        if isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode) and key.value in _HEAD
    }


class Loading:
    """Collects the documents of a stream, and what is wrong with them.

    `partial`: the input is a patch, which may have several documents of one identity and need not name a version.
    """

    def __init__(self, source: _yaml.Source, *, partial: bool = False) -> None:
        self.source = source
        self.partial = partial
        self.problems: list[errors.Problem] = []
        self.configs: list[v1alpha1.Config] = []
        self.documents: list[document.Document] = []
        self._seen: dict[tuple[str, str], str] = {}

    def fail(self, node: yaml.Node, message: str, path: str = "") -> None:
        """Record a problem."""
        self.problems.append(errors.Problem(message, path, self.source.at(node)))

    def add(self, node: yaml.Node) -> None:
        """Decode one document."""
        if not isinstance(node, yaml.MappingNode):
            self.fail(node, "expected a document with keys")
            return
        head = _head(node)
        kind = head.get("kind", "")
        if not kind:
            self._add_v1alpha1(node)
        elif not head.get("apiVersion"):
            self.fail(node, f"apiVersion is missing in document {kind!r}")
        else:
            self._add_document(node, kind, head["apiVersion"])

    def _add_v1alpha1(self, node: yaml.MappingNode) -> None:
        keys = {key.value for key, _ in _yaml.pairs(node) if isinstance(key, yaml.ScalarNode)}
        if not keys & _V1ALPHA1_KEYS:
            self.fail(node, "kind is missing")
            return
        decoder = _decode.Decoder(self.source)
        decoded = decoder.struct(node, v1alpha1.Config)
        self.problems += decoder.problems
        if decoder.problems:
            return
        # Go takes a document that does not say its version; validation is where that is an error.
        if decoded.version not in ("", v1alpha1.VERSION):
            self.fail(node, f"unknown version {decoded.version!r}, expected {v1alpha1.VERSION!r}", "version")
        if self.configs and not self.partial:
            self.fail(node, "a second v1alpha1 document")
        self.configs.append(decoded)

    def _add_document(self, node: yaml.MappingNode, kind: str, api_version: str) -> None:
        found = document_class(kind)
        if found is None or api_version != found.api_version:
            near = _decode.nearest(kind, _generated_index.DOCUMENTS) if found is None else ""
            hint = f", did you mean {near!r}?" if near else ""
            self.fail(node, f"{kind!r} {api_version!r} is not registered{hint}", "kind")
            return
        decoder = _decode.Decoder(self.source)
        decoded = decoder.struct(node, found, skip=_HEAD)
        self.problems += decoder.problems
        if decoder.problems:
            return
        first = self._seen.setdefault(decoded.identity, self.source.at(node))
        if first != self.source.at(node) and not self.partial:
            self.fail(node, f"duplicate document {decoded.title}, first at {first}")
        self.documents.append(decoded)


def load(source: bytes, *, name: str = "", allow_empty: bool = False) -> container.Container:
    """Decode a configuration. Raises Invalid with every problem found; an empty one is an error too."""
    where, nodes = _yaml.compose(source, name)
    loading = Loading(where)
    for node in nodes:
        if not _yaml.is_null(node):
            loading.add(node)
    if not loading.problems and not loading.configs and not loading.documents and not allow_empty:
        loading.problems.append(errors.Problem("config not found: no document in the input", where=where.name))
    if loading.problems:
        raise errors.Invalid(loading.problems)
    return container.Container(
        loading.configs[0] if loading.configs else None, loading.documents, source=source, name=name
    )
