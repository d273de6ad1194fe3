"""YAML as the machine configuration means it: positions kept, scalars by the core schema, nothing silently dropped.

PyYAML's C composer gives the node graph; the scalar rules are those of go-yaml v3 (YAML 1.2 core schema, and the
YAML 1.1 booleans only where a boolean is expected). Aliases are expanded with a budget, so that a small file can not
become a huge one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import yaml

from talos.base import errors

MAX_BYTES = 1 << 20
# Nodes a document may have after its aliases are expanded.
MAX_NODES = 200_000
MAX_DEPTH = 100

_INT = re.compile(r"[-+]?(0|[1-9][0-9_]*)\Z")
_INT_BASE = re.compile(r"[-+]?0(o[0-7]+|x[0-9a-fA-F]+|b[01]+)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
TRUE = frozenset({"true", "True", "TRUE"})
FALSE = frozenset({"false", "False", "FALSE"})
TRUE_1_1 = TRUE | {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}
FALSE_1_1 = FALSE | {"n", "N", "no", "No", "NO", "off", "Off", "OFF"}

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Source:
    """Where text came from, for messages."""

    name: str

    def at(self, node: yaml.Node) -> str:
        """`file:line:column` of a node, counted from 1."""
        mark = node.start_mark
        return f"{self.name}:{mark.line + 1}:{mark.column + 1}"


def compose(text: bytes, name: str) -> tuple[Source, list[yaml.Node]]:
    """Parse a stream into document nodes. Raises Invalid with the place."""
    source = Source(name or "config")
    if len(text) > MAX_BYTES:
        raise errors.Invalid(f"{source.name}: {len(text)} bytes, at most {MAX_BYTES} are accepted")
    nodes: list[yaml.Node] = []
    try:
        loader = Loader(text)
        try:
            while loader.check_node():
                nodes.append(cast("yaml.Node", loader.get_node()))
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source.name}:{mark.line + 1}:{mark.column + 1}" if mark else source.name
        raise errors.Invalid([errors.Problem(error.problem or str(error), where=where)]) from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise errors.Invalid([errors.Problem(f"not YAML: {str(error).splitlines()[0]}", where=source.name)]) from error
    budget = [MAX_NODES]
    for node in nodes:
        _check_size(node, source, budget, 0)
    return source, nodes


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _check_size(node: yaml.Node, source: Source, budget: list[int], depth: int) -> None:
    budget[0] -= 1
    if budget[0] < 0:
        raise errors.Invalid([errors.Problem("document is too large once its aliases are expanded", where=source.name)])
    if depth > MAX_DEPTH:
        raise errors.Invalid([errors.Problem(f"nested deeper than {MAX_DEPTH} levels", where=source.at(node))])
    for child in _children(node):
        _check_size(child, source, budget, depth + 1)


def is_null(node: yaml.Node) -> bool:
    """Whether a node is null."""
    if not isinstance(node, yaml.ScalarNode):
        return False
    return node.tag.endswith(":null") or (not node.style and node.value in _NULLS)


def scalar(node: yaml.ScalarNode) -> Any:
    """Return the value of a scalar whose type nobody expects anything of."""
    text: str = node.value
    if node.style:
        return text
    if text in _NULLS:
        return None
    if text in TRUE or text in FALSE:
        return text in TRUE
    number = integer(text)
    if number is not None:
        return number
    if _FLOAT.match(text):
        return float(text)
    if text in (".inf", "+.inf", "-.inf", ".nan"):
        return float(text.replace(".", "", 1))
    return text


def integer(text: str) -> int | None:
    """Parse an integer of the core schema; None for anything else."""
    if _INT.match(text):
        return int(text.replace("_", ""))
    if _INT_BASE.match(text):
        return int(text, 0)
    return None


def plain(node: yaml.Node) -> Any:
    """Return a node as plain data; keys are text."""
    if isinstance(node, yaml.ScalarNode):
        return scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [plain(item) for item in node.value]
    assert isinstance(node, yaml.MappingNode)
    return {str(key.value): plain(value) for key, value in pairs(node)}


def pairs(node: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
    """Return key and value nodes, with merge keys (`<<: *anchor`) resolved: own keys win."""
    own: list[tuple[yaml.Node, yaml.Node]] = []
    merged: list[tuple[yaml.Node, yaml.Node]] = []
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value == "<<" and not key.style:
            sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for mapping in sources:
                if isinstance(mapping, yaml.MappingNode):
                    merged.extend(pairs(mapping))
        else:
            own.append((key, value))
    names = {key.value for key, _ in own if isinstance(key, yaml.ScalarNode)}
    for key, value in merged:
        if isinstance(key, yaml.ScalarNode) and key.value not in names:
            names.add(key.value)
            own.append((key, value))
    return own
