"""Regular expressions in linear time, for patterns that come from clients.

The `re` module tries alternatives one after the other and can take years for a dozen characters; a reader of the API
could stop machined with it. Here the pattern becomes a non-deterministic automaton that is run in all its states at a
time (https://swtch.com/~rsc/regexp/regexp1.html), as in the original's RE2. The syntax is that of `re` without what RE2
does not have either: look-around, back references, possessive and atomic groups.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from talos.base import errors

MAX_PATTERN = 500
MAX_STATES = 500
_FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL
_Test = Callable[[str], bool]
_CATEGORIES: dict[Any, _Test] = {
    ops.CATEGORY_DIGIT: lambda c: "0" <= c <= "9",
    ops.CATEGORY_SPACE: lambda c: c in " \t\n\r\f\v",
    ops.CATEGORY_WORD: lambda c: c == "_" or (c.isascii() and c.isalnum()),
}
_CATEGORIES |= {
    ops.CATEGORY_NOT_DIGIT: lambda c: not _CATEGORIES[ops.CATEGORY_DIGIT](c),
    ops.CATEGORY_NOT_SPACE: lambda c: not _CATEGORIES[ops.CATEGORY_SPACE](c),
    ops.CATEGORY_NOT_WORD: lambda c: not _CATEGORIES[ops.CATEGORY_WORD](c),
}


@dataclass(slots=True, eq=False)
class _State:
    """One state: a test of a character, a condition on the place, a fork, or the end (`out` empty)."""

    out: list[int]
    test: _Test | None = None
    place: Any = None
    multiline: bool = False


def search(pattern: str, text: str) -> bool:
    """Whether the pattern is found anywhere in the text. Raises Invalid for a pattern that can not be used."""
    return compiled(pattern)(text)


@functools.lru_cache(maxsize=16)
def compiled(pattern: str) -> Callable[[str], bool]:
    """Return the search for a pattern. Raises Invalid."""
    if len(pattern) > MAX_PATTERN:
        raise errors.Invalid(f"regular expression is longer than {MAX_PATTERN} characters")
    try:
        parsed = _parser.parse(pattern)
        builder = _Builder()
        start = builder.sequence(parsed.data, parsed.state.flags, builder.add(_State([])))
    except (re.error, OverflowError, RecursionError) as error:
        raise errors.Invalid(f"regular expression can not be used: {error}") from error
    return functools.partial(_search, builder.states, start)


class _Builder:
    """Builds from the end: each part is made with the state that follows it."""

    def __init__(self) -> None:
        self.states: list[_State] = []

    def add(self, state: _State) -> int:
        if len(self.states) >= MAX_STATES:
            raise errors.Invalid("regular expression is too large")
        self.states.append(state)
        return len(self.states) - 1

    def sequence(self, parts: Any, flags: int, after: int) -> int:
        for op, value in reversed(list(parts)):
            after = self._part(op, value, flags, after)
        return after

    def _part(self, op: Any, value: Any, flags: int, after: int) -> int:
        if op is ops.AT:
            return self.add(_State([after], place=value, multiline=bool(flags & re.MULTILINE)))
        if op is ops.BRANCH:
            return self.add(_State([self.sequence(one.data, flags, after) for one in value[1]]))
        if op is ops.SUBPATTERN:
            _, added, removed, inner = value
            if (added | removed) & ~_FLAGS:
                raise errors.Invalid("regular expression has flags that are not supported")
            return self.sequence(inner.data, (flags | added) & ~removed, after)
        if op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
            least, most, inner = value
            return self._repeat(least, most, inner.data, flags, after)
        return self.add(_State([after], test=_test(op, value, flags)))

    def _repeat(self, least: int, most: int, parts: Any, flags: int, after: int) -> int:
        if most is ops.MAXREPEAT:
            loop = self.add(_State([after]))
            self.states[loop].out.append(self.sequence(parts, flags, loop))
            after = loop
        else:
            for _ in range(most - least):
                after = self.add(_State([after, self.sequence(parts, flags, after)]))
        for _ in range(least):
            after = self.sequence(parts, flags, after)
        return after


def _test(op: Any, value: Any, flags: int) -> _Test:
    fold = bool(flags & re.IGNORECASE)
    if op is ops.ANY:
        return (lambda _: True) if flags & re.DOTALL else (lambda c: c != "\n")
    if op is ops.IN:
        return _folded(_one_of(value), fold)
    if op is ops.LITERAL:
        return _folded(lambda c: ord(c) == value, fold)
    if op is ops.NOT_LITERAL:
        inner = _folded(lambda c: ord(c) == value, fold)
        return lambda c: not inner(c)
    raise errors.Invalid(f"regular expression uses {str(op).lower()}, which is not supported")


def _folded(test: _Test, fold: bool) -> _Test:
    if not fold:
        return test
    return lambda c: test(c) or (len(c.lower()) == 1 and test(c.lower())) or (len(c.upper()) == 1 and test(c.upper()))


def _one_of(items: Any) -> _Test:
    tests: list[_Test] = []
    negated = False
    for op, value in items:
        if op is ops.NEGATE:
            negated = True
        elif op is ops.RANGE:
            tests.append(functools.partial(_between, *value))
        elif op is ops.CATEGORY and value in _CATEGORIES:
            tests.append(_CATEGORIES[value])
        elif op is ops.LITERAL:
            tests.append(functools.partial(_between, value, value))
        else:
            raise errors.Invalid("regular expression has a set that is not supported")
    return lambda c: any(test(c) for test in tests) != negated


def _between(first: int, last: int, character: str) -> bool:
    return first <= ord(character) <= last


def _search(states: list[_State], start: int, text: str) -> bool:
    active: set[int] = set()
    for at in range(len(text) + 1):
        active = _closed(states, {*active, start}, text, at)
        if any(not states[one].out for one in active):
            return True
        if at < len(text):
            active = {states[one].out[0] for one in active if (test := states[one].test) is not None and test(text[at])}
    return False


def _closed(states: list[_State], active: set[int], text: str, at: int) -> set[int]:
    """Add every state that is reached without a character."""
    found, pending = set(active), list(active)
    while pending:
        state = states[pending.pop()]
        if state.test is not None or (state.place is not None and not _holds(state, text, at)):
            continue
        for one in state.out:
            if one not in found:
                found.add(one)
                pending.append(one)
    return found


def _holds(state: _State, text: str, at: int) -> bool:
    if state.place in (ops.AT_BEGINNING, ops.AT_BEGINNING_STRING):
        lines = state.multiline and state.place is ops.AT_BEGINNING
        return at == 0 or (lines and text[at - 1] == "\n")
    if state.place in (ops.AT_END, ops.AT_END_STRING):
        lines = state.multiline and state.place is ops.AT_END
        return at == len(text) or (lines and text[at] == "\n")
    word = _CATEGORIES[ops.CATEGORY_WORD]
    before, here = at > 0 and word(text[at - 1]), at < len(text) and word(text[at])
    return (before != here) == (state.place is ops.AT_BOUNDARY)
