"""Kubernetes objects as text: YAML with sorted keys as the API machinery writes it, and back.

YAML is read with the JSON schema's idea of scalars plus the API's leniency, which is what PyYAML's safe loader gives
for manifests in practice; dates stay text, because no Kubernetes field is a YAML timestamp.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import yaml

from talos.base import errors

Object = dict[str, Any]
"""A Kubernetes object as JSON-compatible data. The API's own schema types it; past the client it stays data."""


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.representer.SafeRepresenter, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


class _Loader(yaml.CSafeLoader):
    pass


# Copied, so that the resolvers of PyYAML's own class stay untouched.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def to_yaml(value: object) -> str:
    """Return the object as a YAML document."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=True, default_flow_style=False, width=1 << 20)


def to_yaml_all(values: Iterable[object]) -> str:
    """Return several objects as a stream of documents."""
    return "---\n".join(to_yaml(value) for value in values)


def to_json(value: object) -> bytes:
    """Return the object as compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def objects(text: str | bytes, *, name: str = "") -> list[Object]:
    """Return the objects of a YAML or JSON manifest; `List` kinds are unrolled. Raises Invalid."""
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise errors.Invalid([errors.Problem(f"not YAML: {error}", where=name)]) from error
    found: list[Object] = []
    for number, document in enumerate(documents):
        if document is None:
            continue
        if not isinstance(document, dict) or not document.get("apiVersion") or not document.get("kind"):
            raise errors.Invalid([errors.Problem(f"document {number} is not a Kubernetes object", where=name)])
        if str(document["kind"]).endswith("List") and isinstance(document.get("items"), list):
            found += document["items"]
        else:
            found.append(document)
    return found
