"""Patches of a configuration: strategic merges (a piece of configuration) and JSON patches (RFC 6902).

What a text is, is found out in the original's order: a piece of configuration, a JSON patch as JSON, one as YAML. The
problems of the first reading are reported when none fits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from talos.base import errors
from talos.machinery.config import _delete, _merge, _yaml, container, document, encoder, loader, v1alpha1


@dataclass(frozen=True, slots=True)
class StrategicPatch:
    """Pieces of configuration and deletions, in the order they take effect."""

    steps: tuple[v1alpha1.Config | document.Document | _delete.Delete, ...]


@dataclass(frozen=True, slots=True)
class JsonPatch:
    """Operations of RFC 6902."""

    operations: tuple[Mapping[str, Any], ...]


Patch = StrategicPatch | JsonPatch


def load(text: str | bytes, *, name: str = "patch") -> Patch:
    """Parse a patch. Raises Invalid with every problem."""
    raw = text.encode() if isinstance(text, str) else text
    source, nodes = _yaml.compose(raw, name)
    if len(nodes) == 1 and isinstance(nodes[0], yaml.SequenceNode):
        return _json_patch(_yaml.data(nodes[0]), source.at(nodes[0]))
    loading = loader.Loading(source, partial=True)
    steps: list[Any] = []
    for node in nodes:
        if _yaml.is_null(node):
            continue
        deletes, more = _delete.extract(node, source)
        steps += deletes
        if more:
            before = (len(loading.configs), len(loading.documents))
            loading.add(node)
            steps += loading.configs[before[0] :] + loading.documents[before[1] :]
    if loading.problems:
        raise errors.Invalid(loading.problems)
    if not steps:
        raise errors.Invalid([errors.Problem("is empty", where=source.name)])
    return StrategicPatch(tuple(steps))


def _json_patch(data: Any, where: str) -> JsonPatch:
    for operation in data:
        if not isinstance(operation, dict) or "op" not in operation or "path" not in operation:
            problem = "expected a piece of configuration, or a list of operations with op and path"
            raise errors.Invalid([errors.Problem(problem, where=where)])
    return JsonPatch(tuple(data))


def load_all(given: Sequence[str]) -> list[Patch]:
    """Parse patches as given on a command line: text, or `@file`. Raises Invalid, OSError."""
    return [load(Path(text[1:]).read_bytes(), name=text[1:]) if text.startswith("@") else load(text) for text in given]


def patch(config: container.Container, patches: Sequence[Patch | str | bytes]) -> container.Container:
    """Return the configuration with patches applied one after the other. Raises Invalid."""
    for given in patches:
        one = load(given) if isinstance(given, str | bytes) else given
        config = _apply_json(config, one) if isinstance(one, JsonPatch) else _apply_strategic(config, one)
    return config


def _apply_strategic(config: container.Container, patch_: StrategicPatch) -> container.Container:
    legacy = config.v1alpha1
    documents: dict[tuple[str, str], document.Document] = {one.identity: one for one in config.documents}
    for step in patch_.steps:
        if isinstance(step, v1alpha1.Config):
            legacy = step if legacy is None else _merge.section(legacy, step)
        elif isinstance(step, document.Document):
            old = documents.get(step.identity)
            documents[step.identity] = step if old is None else _merge.section(old, step)
        elif not step.kind:
            if legacy is None:
                raise step.problem("lookup failed: there is no v1alpha1 document")
            legacy = step.carry_out(legacy)
        else:
            identity = (step.kind, step.name)
            if identity not in documents:
                # What is not there need not be deleted.
                continue
            if step.path:
                documents[identity] = step.carry_out(documents[identity])
            else:
                del documents[identity]
    return container.Container(legacy, list(documents.values()))


def _apply_json(config: container.Container, patch_: JsonPatch) -> container.Container:
    import jsonpatch
    import jsonpointer

    if len(config.documents) + (config.v1alpha1 is not None) != 1:
        raise errors.Invalid(
            "a JSON patch needs a configuration of a single document; write the patch as a piece of configuration"
        )
    if config.v1alpha1 is not None:
        data = encoder.struct(config.v1alpha1)
    else:
        data = encoder.document_data(config.documents[0])
    try:
        changed = jsonpatch.apply_patch(json.loads(json.dumps(data)), list(patch_.operations))
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, ValueError) as error:
        raise errors.Invalid(f"the JSON patch does not fit: {error}") from error
    return loader.load(encoder.dump(changed).encode(), name="patched configuration").replace_source()
