"""JSONPath templates as kubectl and talosctl take them: text with `{…}` expressions.

Supported inside the braces: `.field`, `['field']`, `[index]`, `[from:to]`, `[*]`, `..field`, `@`, quoted text, and
`range`/`end` are not (the original's tables need none of it). A missing field gives nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from talos.base import errors

_STEP = re.compile(
    r"""\.\.(?P<deep>[\w-]+)|\.(?P<field>[\w-]+|\*)|\[(?P<index>-?\d+)\]"""
    r"""|\[(?P<slice>-?\d*:-?\d*)\]|\[(?P<all>\*)\]|\['(?P<quoted>[^']+)'\]|\.(?=\[)"""
)
_EXPRESSION = re.compile(r"\{([^}]*)\}")


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


def _slice(value: Any, text: str) -> list[Any]:
    first, _, last = text.partition(":")
    return value[int(first) if first else None : int(last) if last else None] if isinstance(value, list) else []


def _step(values: list[Any], match: re.Match[str]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if match["deep"]:
            found += _deep(value, match["deep"])
        elif match["field"] or match["quoted"]:
            found += _field(value, match["field"] or match["quoted"])
        elif match["index"]:
            index = int(match["index"])
            found += [value[index]] if isinstance(value, list) and -len(value) <= index < len(value) else []
        elif match["slice"]:
            found += _slice(value, match["slice"])
        elif match["all"]:
            found += _children(value)
        else:
            found.append(value)
    return found


def evaluate(expression: str, data: Any) -> list[Any]:
    """Return the values an expression (without braces) selects. Raises Invalid for a broken expression."""
    text = expression.strip().removeprefix("$").removeprefix("@")
    values, at = [data], 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise errors.Invalid(f"JSONPath {expression!r}: can not read {text[at:]!r}")
        values, at = _step(values, match), match.end()
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


def render(template: str, data: Any) -> str:
    """Return a template with its expressions replaced. Raises Invalid."""

    def replace(match: re.Match[str]) -> str:
        inner = match[1].strip()
        if inner[:1] in "\"'" and inner[-1:] == inner[:1]:
            return json.loads(f'"{inner[1:-1]}"') if inner[0] == '"' else inner[1:-1]
        return " ".join(text_of(v) for v in evaluate(inner, data))

    if "{" not in template:
        template = "{" + template + "}"
    return _EXPRESSION.sub(replace, template)
