"""JSONPath templates as kubectl and talosctl take them: text with `{…}` expressions.

Inside the braces: `.field`, `['field']`, `[index]`, `[1,3]`, `[from:to]`, `[*]`, `..field`, `@`, filters such as
`[?(@.kind=="x")]`, quoted text, and `range …`/`end`. A missing field gives nothing. Syntax:
https://kubernetes.io/docs/reference/kubectl/jsonpath/
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from talos.base import errors

_STEP = re.compile(
    r"""\.\.(?P<deep>[\w-]+)|\.(?P<field>[\w-]+|\*)|\[(?P<indexes>-?\d+(?:,-?\d+)*)\]"""
    r"""|\[(?P<slice>-?\d*:-?\d*)\]|\[(?P<all>\*)\]|\[(?P<quoted>'[^']+'|"[^"]+")\]|\[\?\((?P<filter>[^)]*)\)\]|\.(?=\[)"""
)
_FILTER = re.compile(r"\s*@(?P<path>[^\s=!<>]*)\s*(?:(?P<sign>==|!=|<=|>=|<|>)\s*(?P<value>.+?))?\s*")
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
# A quoted text or filter may hold braces.
_EXPRESSION = re.compile(r"""\{((?:"(?:\\.|[^"\\])*"|'[^']*'|[^{}"'])*)\}""")


def _deep(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, dict):
        if name in value:
            yield value[name]
        for item in value.values():
            yield from _deep(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _deep(item, name)


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _field(value: Any, name: str) -> list[Any]:
    if name == "*":
        return _children(value)
    return [value[name]] if isinstance(value, dict) and name in value else []


def _indexes(value: Any, text: str) -> list[Any]:
    if not isinstance(value, list):
        return []
    wanted = [int(n) for n in text.split(",")]
    return [value[n] for n in wanted if -len(value) <= n < len(value)]


def _slice(value: Any, text: str) -> list[Any]:
    first, _, last = text.partition(":")
    return value[int(first) if first else None : int(last) if last else None] if isinstance(value, list) else []


def _fits(item: Any, text: str) -> bool:
    match = _FILTER.fullmatch(text)
    if match is None:
        raise errors.Invalid(f"JSONPath filter {text!r} is not understood")
    found = evaluate(match["path"], item)
    if match["sign"] is None or not found:
        return bool(found)
    try:
        wanted = json.loads(match["value"].replace("'", '"'))
    except ValueError as error:
        raise errors.Invalid(f"JSONPath filter {text!r}: {match['value']} is no value") from error
    try:
        return _SIGNS[match["sign"]](found[0], wanted)
    except TypeError:
        return False


def _one(value: Any, match: re.Match[str]) -> list[Any]:
    if match["deep"]:
        return list(_deep(value, match["deep"]))
    if match["field"]:
        return _field(value, match["field"])
    if match["quoted"]:
        return _field(value, match["quoted"][1:-1])
    if match["indexes"]:
        return _indexes(value, match["indexes"])
    if match["slice"]:
        return _slice(value, match["slice"])
    if match["all"]:
        return _children(value)
    if match["filter"]:
        return [item for item in _children(value) if _fits(item, match["filter"])]
    return [value]


def evaluate(expression: str, data: Any) -> list[Any]:
    """Return the values an expression (without braces) selects. Raises Invalid for a broken expression."""
    text = expression.strip().removeprefix("$").removeprefix("@")
    if text == ".":
        return [data]
    values, at = [data], 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise errors.Invalid(f"JSONPath {expression!r}: can not read {text[at:]!r}")
        values, at = [found for value in values for found in _one(value, match)], match.end()
    return values


def text_of(value: Any) -> str:
    """Return a value as a table shows it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return ""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@dataclass(slots=True)
class _Block:
    """Text, expressions and loops in order. `over` is what a loop ranges over."""

    over: str = ""
    parts: list[str | _Block] = field(default_factory=list)


def _parse(template: str) -> _Block:
    """Expressions keep their braces, text has none."""
    open_blocks, at = [_Block()], 0
    for match in _EXPRESSION.finditer(template):
        if match.start() > at:
            open_blocks[-1].parts.append(template[at : match.start()])
        at, inner = match.end(), match[1].strip()
        if inner.startswith("range "):
            block = _Block(inner.removeprefix("range "))
            open_blocks[-1].parts.append(block)
            open_blocks.append(block)
        elif inner == "end" and len(open_blocks) > 1:
            open_blocks.pop()
        elif inner == "end":
            raise errors.Invalid("JSONPath: end without range")
        else:
            open_blocks[-1].parts.append("{" + inner + "}")
    if len(open_blocks) > 1:
        raise errors.Invalid("JSONPath: range without end")
    rest = template[at:]
    if "{" in rest or "}" in rest:
        raise errors.Invalid(f"JSONPath: unbalanced braces in {rest!r}")
    return _Block(parts=[*open_blocks[0].parts, rest])


def _expression(inner: str, data: Any) -> str:
    if inner[:1] == '"' and inner[-1:] == '"':
        return str(json.loads(inner))
    if inner[:1] == "'" and inner[-1:] == "'":
        return inner[1:-1]
    return " ".join(text_of(v) for v in evaluate(inner, data))


def _render(block: _Block, data: Any) -> str:
    texts = []
    for part in block.parts:
        if isinstance(part, _Block):
            texts += [_render(part, item) for item in evaluate(part.over, data)]
        elif part.startswith("{"):
            texts.append(_expression(part[1:-1], data))
        else:
            texts.append(part)
    return "".join(texts)


def render(template: str, data: Any) -> str:
    """Return a template with its expressions replaced. Raises Invalid."""
    return _render(_parse(template if "{" in template else "{" + template + "}"), data)
