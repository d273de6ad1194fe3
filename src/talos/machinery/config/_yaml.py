"""YAML as the machine configuration means it: positions kept, scalars by the core schema, nothing silently dropped.

PyYAML's C composer gives the node graph; the scalar rules are those of go-yaml (YAML 1.2 core schema, and the YAML 1.1
booleans only where a boolean is expected). The composer recurses in C, so depth is bounded before it sees the text;
aliases are expanded with a budget, so that a small file can not become a huge one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from talos.base import errors

MAX_BYTES = 1 << 20
# Nodes all documents together may have after their aliases are expanded.
MAX_NODES = 200_000
MAX_DEPTH = 100

_INT = re.compile(r"[-+]?[0-9][0-9_]*\Z")
_INT_BASE = re.compile(r"[-+]?0(o[0-7_]+|x[0-9a-fA-F_]+|b[01_]+)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_INFINITE = {".inf": "inf", ".Inf": "inf", ".INF": "inf", ".nan": "nan", ".NaN": "nan", ".NAN": "nan"}
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
TRUE = frozenset({"true", "True", "TRUE"})
FALSE = frozenset({"false", "False", "FALSE"})
TRUE_1_1 = TRUE | {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"}
FALSE_1_1 = FALSE | {"n", "N", "no", "No", "NO", "off", "Off", "OFF"}

# What may open a nested block at the start of a line: each character at most one level.
_OPENERS = re.compile(rb"^[ \t]*(?:[-?:][ \t]+)*", re.MULTILINE)

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Source(NamedTuple):
    """Where text came from, for messages."""

    name: str

    def at(self, node: yaml.Node | yaml.Event) -> str:
        """`file:line:column` of a node, counted from 1."""
        mark = node.start_mark
        assert mark is not None
        return f"{self.name}:{mark.line + 1}:{mark.column + 1}"


def compose(text: bytes, name: str) -> tuple[Source, list[yaml.Node]]:
    """Parse a stream into document nodes. Raises Invalid with the place."""
    source = Source(name or "config")
    if len(text) > MAX_BYTES:
        problem = f"has {len(text)} bytes, at most {MAX_BYTES} are accepted"
        raise errors.Invalid([errors.Problem(problem, where=source.name)])
    nodes: list[yaml.Node] = []
    try:
        _check_depth(text, source)
        loader = Loader(text)
        try:
            while loader.check_node():
                node: Any = loader.get_node()
                nodes.append(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source.name}:{mark.line + 1}:{mark.column + 1}" if mark else source.name
        raise errors.Invalid([errors.Problem(f"not YAML: {error.problem or error}", where=where)]) from error
    except (yaml.YAMLError, ValueError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0]
        raise errors.Invalid([errors.Problem(f"not YAML: {reason}", where=source.name)]) from error
    budget = [MAX_NODES]
    for node in nodes:
        _check_size(node, source, budget, 0)
    return source, nodes


def _check_depth(text: bytes, source: Source) -> None:
    """Refuse text nested too deep. Text that can not be that deep, by its brackets and indents, is not looked at."""
    brackets = text.count(b"[") + text.count(b"{")
    indent = max((len(opener) for opener in _OPENERS.findall(text)), default=0)
    # Text in UTF-16 hides its indents behind zero bytes.
    if brackets + indent <= MAX_DEPTH and b"\0" not in text:
        return
    depth = 0
    loader = Loader(text)
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise errors.Invalid(
                        [errors.Problem(f"nested deeper than {MAX_DEPTH} levels", where=source.at(event))]
                    )
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    finally:
        loader.dispose()


def children(node: yaml.Node) -> Iterator[yaml.Node]:
    """Nodes directly inside a node, keys included."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _check_size(node: yaml.Node, source: Source, budget: list[int], depth: int) -> None:
    budget[0] -= 1
    if budget[0] < 0:
        raise errors.Invalid([errors.Problem("too large once its aliases are expanded", where=source.name)])
    if depth > MAX_DEPTH:
        # Only an alias inside its own anchor gets here: the text itself has been measured.
        raise errors.Invalid([errors.Problem("an alias refers to itself", where=source.at(node))])
    for child in children(node):
        if isinstance(child, yaml.ScalarNode):
            budget[0] -= 1
        else:
            _check_size(child, source, budget, depth + 1)


def is_null(node: yaml.Node) -> bool:
    """Whether a node is null."""
    if not isinstance(node, yaml.ScalarNode):
        return False
    return not node.style and node.value in _NULLS


def scalar(node: yaml.ScalarNode) -> Any:
    """Return the value of a scalar whose type nobody expects anything of."""
    text: str = node.value
    return text if node.style else plain(text)


def data(node: yaml.Node) -> Any:
    """Return a node as plain data; keys are text, the last of two equal ones counts."""
    if isinstance(node, yaml.ScalarNode):
        return scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [data(item) for item in node.value]
    assert isinstance(node, yaml.MappingNode)
    return {str(key.value): data(value) for key, value in pairs(node)}


def plain(text: str) -> Any:
    """Return what unquoted text stands for: null, a boolean, a number or text."""
    if text in _NULLS:
        return None
    if text in TRUE or text in FALSE:
        return text in TRUE
    number = integer(text)
    if number is not None:
        return number
    if _FLOAT.match(text):
        return float(text)
    special = _INFINITE.get(text.lstrip("+-"))
    if special is not None:
        return -float(special) if text.startswith("-") else float(special)
    return text


def integer(text: str) -> int | None:
    """Parse an integer as go-yaml does (`1_000`, `0o17`, `017`, `0xff`); None for anything else."""
    if _INT.match(text):
        digits = text.replace("_", "").lstrip("+-")
        if len(digits) > 1 and digits.startswith("0"):
            if not re.fullmatch("[0-7]+", digits):
                return None
            value = int(digits, 8)
        elif len(digits) > 20:
            return None
        else:
            value = int(digits)
        return -value if text.startswith("-") else value
    if _INT_BASE.match(text) and len(text) < 80:
        try:
            return int(text, 0)
        except ValueError:
            return None
    return None


def pairs(node: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
    """Return key and value nodes, with merge keys (`<<: *anchor`) resolved: own keys win."""
    if not any(key.value == "<<" for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
        pairs_: list[tuple[yaml.Node, yaml.Node]] = node.value
        return pairs_
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
