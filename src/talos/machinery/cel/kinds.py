"""Types of CEL: names with parameters, and how two of them are made one."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """A type. One capital letter is a variable of a signature; a name with a dot a message, whose fields an environment
    knows."""

    name: str
    of: tuple[Kind, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.of))})" if self.of else self.name


BOOL, INT, UINT, DOUBLE = Kind("bool"), Kind("int"), Kind("uint"), Kind("double")
STRING, BYTES, NULL, TYPE = Kind("string"), Kind("bytes"), Kind("null_type"), Kind("type")
DURATION, TIMESTAMP, DYN = Kind("duration"), Kind("timestamp"), Kind("dyn")
PLAIN = {kind.name: kind for kind in (BOOL, INT, UINT, DOUBLE, STRING, BYTES, NULL, TYPE, DURATION, TIMESTAMP, DYN)}


def listing(of: Kind) -> Kind:
    """A list."""
    return Kind("list", (of,))


def mapping(key: Kind, value: Kind) -> Kind:
    """A map."""
    return Kind("map", (key, value))


def optional(of: Kind) -> Kind:
    """A value that may be missing."""
    return Kind("optional", (of,))


def read(text: str) -> Kind:
    """`map(int,list(A))` as a type; for the tables of functions and variables."""
    name, opened, rest = text.partition("(")
    if not opened:
        return PLAIN.get(name) or Kind(name)
    parts, depth, begun = [], 0, 0
    inside = rest[:-1]
    for index, letter in enumerate(inside):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append(inside[begun:index])
            begun = index + 1
    return Kind(name, tuple(read(part) for part in (*parts, inside[begun:])))


def _variable(kind: Kind) -> bool:
    return len(kind.name) == 1


def unify(wanted: Kind, given: Kind, bound: dict[str, Kind]) -> bool:
    """Whether `given` can stand where a signature wants `wanted`; variables are bound on the way."""
    if _variable(wanted):
        known = bound.get(wanted.name)
        if known is None or known == DYN or (known != given and unify(given, known, {})):
            bound[wanted.name] = given if known is None or not _holds_dyn(given) else known
            return True
        return unify(known, given, bound)
    if DYN in (wanted, given):
        return True
    if NULL in (wanted, given) and "." in wanted.name + given.name:
        return True
    return (
        wanted.name == given.name
        and len(wanted.of) == len(given.of)
        and all(unify(one, other, bound) for one, other in zip(wanted.of, given.of, strict=True))
    )


def _holds_dyn(kind: Kind) -> bool:
    return kind == DYN or any(map(_holds_dyn, kind.of))


def substitute(kind: Kind, bound: dict[str, Kind]) -> Kind:
    """A type of a signature with what its variables turned out to be; what nothing said is `dyn`."""
    if _variable(kind):
        return bound.get(kind.name, DYN)
    return Kind(kind.name, tuple(substitute(part, bound) for part in kind.of)) if kind.of else kind


def join(found: list[Kind]) -> Kind:
    """The type of items of a literal: theirs if they agree, else `dyn`."""
    if not found:
        return DYN
    first = found[0]
    return first if all(unify(first, one, {}) for one in found) else DYN
