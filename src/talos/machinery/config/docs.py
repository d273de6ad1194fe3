"""What the fields of documents mean, read from the texts below them in the source.

The texts cost nothing until somebody asks: `gen config` for its comments, `explain` and the reference pages.
"""

from __future__ import annotations

import functools
import inspect
import sys
from pathlib import Path
from typing import Any

from talos.machinery.config import document

_QUOTES = '"""'
_INDENT = "    "


@functools.cache
def _classes(path: str) -> dict[str, dict[str, str]]:
    """Class -> attribute -> text, of one source file; nothing when the source is not there."""
    try:
        text = Path(path).read_text()
    except OSError:
        return {}
    found: dict[str, dict[str, str]] = {}
    for part in text.split("\nclass ")[1:]:
        name = part[: min(part.index("("), part.index(":"))]
        found[name] = _texts(part.split("\n"))
    return found


def _texts(lines: list[str]) -> dict[str, str]:
    """Attribute -> text: a declaration at the first level, then a string at the same level."""
    found: dict[str, str] = {}
    field = ""
    taken: list[str] | None = None
    for line in lines:
        if taken is not None:
            taken.append(line)
        elif field and line.startswith(_INDENT + _QUOTES):
            taken = [line[len(_INDENT + _QUOTES) :]]
        elif line.startswith(_INDENT) and line[4:5].isalpha():
            name, colon, _ = line[4:].partition(":")
            field = name if colon and name.isidentifier() else ""
        if taken and taken[-1].endswith(_QUOTES):
            found[field] = " ".join("\n".join(taken)[: -len(_QUOTES)].split())
            field, taken = "", None
    return found


@functools.cache
def fields(kind: Any) -> dict[str, str]:
    """Return attribute -> what it means, inherited ones included."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if issubclass(base, document.Section) and base is not document.Section:
            path = sys.modules[base.__module__].__file__
            found |= _classes(path or "").get(base.__name__, {})
    return found


def about(kind: Any) -> str:
    """Return what a document or section is, one sentence."""
    return (inspect.getdoc(kind) or "").partition("\n")[0]
