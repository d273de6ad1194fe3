"""The facts about resource types (tests/data/resources.json), and which types this tree produces.

Rows of a struct are [YAML key, field number, flags, nested struct]; flags: o left out when empty, i inlined.
"""

from __future__ import annotations

import functools
import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talos.machined.controllers import _generated_index

_PATH = Path(__file__).resolve().parent.parent / "data" / "resources.json"


@dataclass(frozen=True)
class Field:
    """One field of a struct in the original."""

    key: str
    number: int
    omit: bool
    inline: bool
    struct: str


@functools.cache
def _data() -> Any:
    return json.loads(_PATH.read_text())


def namespaces() -> list[str]:
    """Every namespace."""
    found: list[str] = _data()["namespaces"]
    return found


def types() -> list[dict[str, Any]]:
    """Every resource type."""
    found: list[dict[str, Any]] = _data()["types"]
    return found


@functools.cache
def struct(name: str) -> tuple[Field, ...]:
    """The fields of a struct, in the order of the YAML form."""
    return tuple(
        Field(key, number, "o" in flags, "i" in flags, rest[0] if rest else "")
        for key, number, flags, *rest in _data()["structs"][name]
    )


@functools.cache
def produced() -> frozenset[str]:
    """Types that a controller of this tree declares as its output."""
    found = set()
    for reference, _ in _generated_index.CONTROLLERS:
        module, _, name = reference.partition(":")
        cls = getattr(importlib.import_module(module), name)
        found |= {output.cls.definition.type for output in cls.outputs}
    return frozenset(found)
