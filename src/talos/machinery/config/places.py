"""Where a key stands in the text a configuration was loaded from.

Structs do not carry positions: they would cost every load, and only messages need them. This module reads the text
again when there is something to say.
"""

from __future__ import annotations

import functools
import re

import yaml

from talos.machinery.config import _yaml

_STEP = re.compile(r'"([^"]*)"|\[(\d+)\]|([^.\[\]"]+)')


@functools.lru_cache(maxsize=2)
def _nodes(source: bytes, name: str) -> tuple[_yaml.Source, list[yaml.MappingNode]]:
    where, nodes = _yaml.compose(source, name)
    found = [node for node in nodes if isinstance(node, yaml.MappingNode)]
    # The v1alpha1 document comes first, wherever it stands.
    return where, sorted(found, key=lambda node: _key(node, "kind") is not None)


def _key(node: yaml.MappingNode, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    for key, value in _yaml.pairs(node):
        if isinstance(key, yaml.ScalarNode) and key.value == name:
            return key, value
    return None


def find(source: bytes, name: str, index: int, path: str) -> str:
    """Return `name:line:column` of a path in document number `index`; the nearest thing above it when it is missing."""
    where, nodes = _nodes(source, name)
    if index >= len(nodes):
        return ""
    place: yaml.Node = nodes[index]
    node: yaml.Node = nodes[index]
    for quoted, number, word in _STEP.findall(path):
        if number and isinstance(node, yaml.SequenceNode) and int(number) < len(node.value):
            place = node = node.value[int(number)]
            continue
        pair = _key(node, quoted or word) if isinstance(node, yaml.MappingNode) else None
        if pair is None:
            break
        place, node = pair
    return where.at(place)
