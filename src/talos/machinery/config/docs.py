"""What the fields of documents mean, read from the texts below them in the source.

The texts cost nothing until somebody asks: `gen config` for its comments, `explain` and the reference pages.
"""

from __future__ import annotations

import functools
import inspect
import re
from pathlib import Path
from typing import Any

from talos.machinery.config import document

_CLASS = re.compile(r"^class (\w+)\(.*?(?=^class |\Z)", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r'^    (\w+): (?:[^\n]|\n     |\n    \))*\n    """(.*?)"""$', re.MULTILINE | re.DOTALL)


@functools.cache
def _classes(path: str) -> dict[str, dict[str, str]]:
    """Class -> attribute -> text, of one source file; nothing when the source is not there."""
    try:
        text = Path(path).read_text()
    except OSError:
        return {}
    return {
        match.group(1): {name: " ".join(doc.split()) for name, doc in _FIELD.findall(match.group(0))}
        for match in _CLASS.finditer(text)
    }


@functools.cache
def fields(kind: Any) -> dict[str, str]:
    """Return attribute -> what it means, inherited ones included."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if issubclass(base, document.Section) and base is not document.Section:
            found |= _classes(inspect.getfile(base)).get(base.__name__, {})
    return found


def about(kind: Any) -> str:
    """Return what a document or section is, one sentence."""
    return (inspect.getdoc(kind) or "").partition("\n")[0]
