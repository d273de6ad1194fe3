"""Plain data -> YAML text, laid out as go-yaml does with an indent of four.

A list inside a mapping is indented below its key; a mapping or list inside a list item goes on at the next multiple of
four; mappings that are no struct have their keys sorted the way go-yaml sorts them, numbers inside names by value.
"""

from __future__ import annotations

import functools
import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from talos.machinery.config import _yaml

INDENT = 4
# Of lines with comments.
WIDTH = 120
_OLD_BOOLEANS = (_yaml.TRUE_1_1 | _yaml.FALSE_1_1) - {"true", "True", "TRUE", "false", "False", "FALSE"}
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?\Z")
_INDICATORS = "#,[]{}&*!|>'\"%@`"
_ESCAPES = {
    "\0": "0", "\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", "\x1b": "e",
    '"': '"', "\\": "\\", "\x85": "N", "\xa0": "_", "\u2028": "L", "\u2029": "P",
}  # fmt: skip


class Verbatim(str):
    """Text that is written as it is, such as an octal number."""

    __slots__ = ()


class Fields(dict[str, Any]):
    """A mapping whose keys keep their order: the fields of a struct."""


class Explained(Fields):
    """Fields with a text for each key. Those of `examples` are not set: they are written as comments."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: dict[str, str] = {}
        self.examples: set[str] = set()

    @property
    def is_set(self) -> bool:
        """Whether any key is."""
        return len(self) > len(self.examples)


def emit(data: Any) -> str:
    """Return one document."""
    return "\n".join(_lines(data, 0)) + "\n" if _nested(data) else f"{_scalar(data, 0)}\n"


def _nested(value: Any) -> bool:
    if isinstance(value, Explained):
        return value.is_set
    return bool(value) and isinstance(value, Mapping | list | tuple)


def _lines(value: Any, indent: int) -> Iterator[str]:
    if isinstance(value, Explained):
        yield from _explained(value, indent)
        return
    if isinstance(value, Mapping):
        keys = list(value) if isinstance(value, Fields) else sorted(value, key=functools.cmp_to_key(_compare))
        for key in keys:
            yield from _entry(f"{' ' * indent}{_key(key)}:", value[key], indent)
        return
    for item in value:
        yield from _item(item, indent)


def _entry(head: str, value: Any, indent: int) -> Iterator[str]:
    if not _nested(value):
        yield f"{head} {_scalar(value, _deeper(indent), _deeper(indent) - indent)}"
        return
    yield head
    yield from _lines(value, _deeper(indent))


def _explained(value: Explained, indent: int) -> Iterator[str]:
    """Write the keys with what they mean. A list item must begin with a key: what is not set follows later."""
    began = False
    waiting: list[str] = []
    for key, item in value.items():
        entry = _entry(f"{' ' * indent}{_key(key)}:", item, indent)
        note = value.notes.get(key, "")
        if key not in value.examples:
            yield from _noted(note, list(entry), indent, above=began)
            yield from waiting
            if isinstance(item, Explained) and not item.is_set:
                yield from _explained(item, _deeper(indent))
            began, waiting = True, []
        elif began:
            yield from _comments(_noted(note, list(entry), indent, above=True), indent)
        else:
            waiting += _comments(_noted(note, list(entry), indent, above=True), indent)
    yield from waiting


def _noted(note: str, entry: list[str], indent: int, *, above: bool) -> Iterator[str]:
    """Put a text behind the first line, or above it when it is long or a block of text follows."""
    first = entry[0]
    block = "\n" in first
    if not note or (block and not above):
        yield from entry
    elif above and (block or len(first) + len(note) + 3 > WIDTH):
        yield from (f"{' ' * indent}# {line}" for line in textwrap.wrap(note, max(WIDTH - indent - 2, 40)))
        yield from entry
    else:
        yield f"{first} # {note}"
        yield from entry[1:]


def _comments(lines: Iterable[str], indent: int) -> Iterator[str]:
    """Write lines as comments; block texts are several lines in one."""
    for line in "\n".join(lines).split("\n"):
        yield f"{' ' * indent}# {line[indent:]}".rstrip()


def _deeper(indent: int) -> int:
    """Indent of what is inside something indented by `indent`: the next multiple of four."""
    return INDENT * ((indent + INDENT) // INDENT)


def _item(value: Any, indent: int) -> Iterator[str]:
    dash = f"{' ' * indent}- "
    if not _nested(value):
        yield dash + _scalar(value, indent + 2, 2)
        return
    # The first line of what is inside stands behind the dash.
    lines = _lines(value, indent + 2)
    yield dash + next(lines)[indent + 2 :]
    yield from lines


def _key(key: Any) -> str:
    text = _scalar(key, 0)
    return _double_quoted(key) if text.startswith("|") else text


def _scalar(value: Any, indent: int, step: int = INDENT) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Verbatim):
        return str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    return _text(str(value), indent, step)


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    text = f"{value:.17g}" if float(f"{value:.15g}") != value else f"{value:.15g}"
    return repr(value) if len(repr(value)) <= len(text) else text


def _text(text: str, indent: int, step: int) -> str:
    if "\n" in text:
        return _literal(text, indent, step) or _double_quoted(text)
    if not text:
        return '""'
    if not isinstance(_yaml.plain(text), str) or _looks_typed(text):
        return _double_quoted(text)
    if not _printable(text):
        return _double_quoted(text)
    if _plain_allowed(text):
        return text
    if text != text.strip(" "):
        return f"'{text}'" if _single_allowed(text) else _double_quoted(text)
    return "'" + text.replace("'", "''") + "'"


def _looks_typed(text: str) -> bool:
    return text in _OLD_BOOLEANS or text in ("<<", "=") or bool(_BASE_60.match(text) or _DATE.match(text))


def _single_allowed(text: str) -> bool:
    return "'" not in text


def _printable(text: str) -> bool:
    return all(
        character == "\t" or " " <= character <= "~" or (character > "\xa0" and character.isprintable())
        for character in text
    ) and not text.startswith("\ufeff")


def _plain_allowed(text: str) -> bool:
    first, second = text[0], text[1:2]
    if first in _INDICATORS or text[0] == " " or text[-1] == " " or "\t" in text:
        return False
    if first in "-?:" and (not second or second in " \t"):
        return False
    if text.startswith(("---", "...")):
        return False
    return ": " not in text and " #" not in text and not text.endswith(":")


def _literal(text: str, indent: int, step: int) -> str | None:
    """Write a block scalar, `step` deeper than what it belongs to; None when the text can not be one."""
    body = text.rstrip("\n")
    if text.lstrip("\n").startswith("\t"):
        return None
    lines = text.split("\n")
    if not all(_printable(line) for line in lines if line) or "\r" in text:
        return None
    if any(line.endswith(" ") for line in lines):
        return None
    trailing = len(text) - len(body)
    chomp = "-" if trailing == 0 else "" if trailing == 1 and body else "+"
    hint = str(step) if text[0] in (" ", "\n") else ""
    shown = lines[: len(lines) - 1] if trailing else lines
    margin = " " * indent
    return "\n".join([f"|{hint}{chomp}", *(margin + line if line else "" for line in shown)])


def _double_quoted(text: str) -> str:
    parts = []
    for character in text:
        if character in _ESCAPES:
            parts.append("\\" + _ESCAPES[character])
        elif " " <= character <= "~" or (character > "\xa0" and character.isprintable()):
            parts.append(character)
        elif character <= "\xff":
            parts.append(f"\\x{ord(character):02X}")
        elif character <= "\uffff":
            parts.append(f"\\u{ord(character):04X}")
        else:
            parts.append(f"\\U{ord(character):08X}")
    return '"' + "".join(parts) + '"'


def _compare(left: str, right: str) -> int:
    """Order of keys: letters before what is no letter after a digit, runs of digits by value."""
    if left == right:
        return 0
    return -1 if _less(left, right) else 1


def _less(left: str, right: str) -> bool:
    digits = False
    for at, (one, other) in enumerate(zip(left, right, strict=False)):
        if one == other:
            digits = one.isdigit()
            continue
        if one.isalpha() and other.isalpha():
            return one < other
        if one.isalpha() or other.isalpha():
            return one.isalpha() if digits else other.isalpha()
        return _less_from(left, right, at)
    return len(left) < len(right)


def _less_from(left: str, right: str, at: int) -> bool:
    """Compare from the first difference, where neither side has a letter."""
    lead = 0
    if "0" in (left[at], right[at]):
        before = at - 1
        while before >= 0 and left[before].isdigit():
            if left[before] != "0":
                lead = 1
                break
            before -= 1
    one, one_end = _number(left, at, lead)
    other, other_end = _number(right, at, lead)
    if one != other:
        return one < other
    if one_end != other_end:
        return one_end < other_end
    return left[at] < right[at]


def _number(text: str, at: int, value: int) -> tuple[int, int]:
    while at < len(text) and text[at].isdecimal():
        value = value * 10 + int(text[at])
        at += 1
    return value, at
