"""Comments of a YAML file, carried over to the text that replaces it: each stays with the key it was written for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

Path = tuple[str | int, ...]
_AFTER = re.compile(r":?\s+(#.*)$")


def _keys(node: yaml.Node | None, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """(path, where it begins, where the text a comment may follow ends) of every key and item."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*path, str(key.value))
            scalar = isinstance(value, yaml.ScalarNode) and value.end_mark.line == key.start_mark.line
            yield here, key.start_mark, (value if scalar else key).end_mark
            yield from _keys(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            here = (*path, number)
            yield here, item.start_mark, item.end_mark
            yield from _keys(item, here)


def _compose(text: str) -> yaml.Node | None:
    found: yaml.Node | None = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return found


def keep(old: str, new: str) -> str:
    """Return `new` with the comments of `old` whose keys are still there. Raises YAMLError."""
    if "#" not in old:
        return new
    lines = old.splitlines()
    starts: dict[int, Path] = {}
    behind: dict[Path, str] = {}
    for path, begin, end in _keys(_compose(old)):
        starts.setdefault(begin.line, path)
        if end.line < len(lines) and (found := _AFTER.match(lines[end.line][end.column :])):
            behind[path] = found[1]
    above: dict[Path, list[str]] = {}
    waiting: list[str] = []
    for number, line in enumerate(lines):
        if line.lstrip().startswith("#"):
            waiting.append(line.strip())
        elif number in starts and waiting:
            above[starts[number]], waiting = waiting, []
    return _put(new, above, behind) + "".join(f"{line}\n" for line in waiting)


def _put(text: str, above: dict[Path, list[str]], behind: dict[Path, str]) -> str:
    lines = text.splitlines()
    before: dict[int, list[str]] = {}
    for path, begin, end in _keys(_compose(text)):
        if path in behind:
            lines[end.line] += f" {behind[path]}"
        if path in above:
            indent = len(lines[begin.line]) - len(lines[begin.line].lstrip())
            before.setdefault(begin.line, []).extend(" " * indent + line for line in above[path])
    return "".join(f"{line}\n" for number, kept in enumerate(lines) for line in [*before.get(number, []), kept])
