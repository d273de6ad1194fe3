"""What operators and functions of the language do: for each the types it takes, the type it gives, and the work.

Values at run time: bool, int, `Unsigned`, float, str, bytes, None, timedelta, datetime, list, dict, `Optional`, and
objects whose attributes are fields of a message. Integers are of 64 bits: what leaves them is an error, not a wrap.
"""

from __future__ import annotations

import datetime
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from talos.base import errors
from talos.machinery.cel import kinds
from talos.machinery.cel.syntax import Unsigned


class EvaluationError(errors.TalosError):
    """An expression without a value: a division by zero, a missing key, a number that does not fit."""


class Optional(NamedTuple):
    """A value that may be missing."""

    present: bool
    value: Any = None


class Overload(NamedTuple):
    """One way to call a function."""

    takes: tuple[kinds.Kind, ...]
    gives: kinds.Kind
    run: Callable[..., Any]


NOTHING = Optional(False)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_UNITS = {"h": 3.6e12, "m": 6e10, "s": 1e9, "ms": 1e6, "us": 1e3, "µs": 1e3, "ns": 1.0}
_DURATION = re.compile(r"(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|ns)")


def signed(number: int) -> int:
    """`number`, if an `int` holds it."""
    if not -(1 << 63) <= number < 1 << 63:
        raise EvaluationError("the number does not fit into an int")
    return int(number)


def unsigned(number: int) -> Unsigned:
    """`number` as a `uint`."""
    if not 0 <= number < 1 << 64:
        raise EvaluationError("the number does not fit into a uint")
    return Unsigned(number)


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise EvaluationError("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _modulo(left: int, right: int) -> int:
    return left - right * _divide(left, right)


def _ratio(left: float, right: float) -> float:
    if right:
        return left / right
    if not left or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1, right)


def equal(left: Any, right: Any) -> bool:
    """Equality of the language: a bool is no number."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return bool(left == right)


def parse_duration(text: str) -> datetime.timedelta:
    """`1h30m` as a duration, in whole microseconds."""
    body, position, total = text.lstrip("+-") if text[:1] in "+-" else text, 0, 0.0
    while position < len(body):
        match = _DURATION.match(body, position)
        if match is None:
            break
        total += float(match[1]) * _UNITS[match[2]]
        position = match.end()
    if (position < len(body) or not body) and body != "0":
        raise EvaluationError(f"{text!r} is no duration such as 1h30m")
    try:
        return datetime.timedelta(microseconds=total / 1000) * (-1 if text.startswith("-") else 1)
    except OverflowError:
        raise EvaluationError(f"{text!r} is too long a duration") from None


def parse_timestamp(text: str) -> datetime.datetime:
    """A moment of RFC 3339."""
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise EvaluationError(f"{text!r} is no time such as 2026-01-02T03:04:05Z") from None
    if found.tzinfo is None:
        raise EvaluationError(f"{text!r} says no time zone")
    return found.astimezone(datetime.UTC)


def _number(parse: Callable[[str], Any], what: str) -> Callable[[str], Any]:
    def run(text: str) -> Any:
        try:
            return parse(text)
        except ValueError:
            raise EvaluationError(f"{text!r} is no {what}") from None

    return run


def _from_float(make: Callable[[int], int]) -> Callable[[float], int]:
    def run(value: float) -> int:
        if not math.isfinite(value):
            raise EvaluationError(f"{value} does not fit into an integer")
        return make(int(value))

    return run


def _to_bool(text: str) -> bool:
    if text in ("true", "True", "TRUE", "t", "1"):
        return True
    if text in ("false", "False", "FALSE", "f", "0"):
        return False
    raise EvaluationError(f"{text!r} is neither true nor false")


def _to_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EvaluationError("the bytes are no UTF-8") from None


def _float_text(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _time_text(value: datetime.datetime) -> str:
    fraction = f".{value.microsecond:06}".rstrip("0") if value.microsecond else ""
    return f"{value:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _duration_text(value: datetime.timedelta) -> str:
    return _float_text(value.total_seconds()) + "s"


def matches(text: str, pattern: str) -> bool:
    """Whether a regular expression is found in a text. RE2 has no references and look-around; they stay an error."""
    if re.search(r"\\[1-9]|\(\?(?:[=!]|<[=!])", pattern):
        raise EvaluationError(f"{pattern!r} uses what regular expressions of CEL do not have")
    try:
        return re.search(pattern, text) is not None
    except re.error as error:
        raise EvaluationError(f"{pattern!r} is no regular expression: {error}") from None


def index(items: list[Any], number: int) -> Any:
    """An item."""
    if not 0 <= number < len(items):
        raise EvaluationError(f"there is no item {number} in a list of {len(items)}")
    return items[number]


def lookup(table: Mapping[Any, Any], key: Any) -> Any:
    """A value of a map."""
    try:
        return table[key]
    except (KeyError, TypeError):
        raise EvaluationError(f"the map has no key {key!r}") from None


def _maybe(get: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Optional]:
    def run(container: Any, key: Any) -> Optional:
        if isinstance(container, Optional):
            if not container.present:
                return NOTHING
            container = container.value
        try:
            return Optional(True, get(container, key))
        except EvaluationError:
            return NOTHING

    return run


def _content(value: Optional) -> Any:
    if not value.present:
        raise EvaluationError("the optional value is missing")
    return value.value


def glob(pattern: str, text: str) -> bool:
    """Whether `text` is like `pattern`, in which `*` alone is special: any text, also none."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None


def mac(address: bytes) -> str:
    """A hardware address as people write it."""
    return address.hex(":")


def multiply_qos_vectors(left: Mapping[Any, float], right: Mapping[Any, float]) -> float:
    """The sum of products of what both maps have."""
    return sum(value * right[key] for key, value in left.items() if key in right)


def _arithmetic(result: Callable[[int], Any]) -> Callable[[Callable[[Any, Any], int]], Callable[[Any, Any], Any]]:
    return lambda work: lambda left, right: result(work(int(left), int(right)))


def _dated(work: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def run(left: Any, right: Any) -> Any:
        try:
            return work(left, right)
        except OverflowError:
            raise EvaluationError("the time is out of range") from None

    return run


def _at(value: datetime.datetime, zone: str) -> datetime.datetime:
    if re.fullmatch(r"[+-]?\d\d:\d\d", zone):
        hours, minutes = zone.lstrip("+-").split(":")
        offset = datetime.timedelta(hours=int(hours), minutes=int(minutes))
        return value.astimezone(datetime.timezone(-offset if zone.startswith("-") else offset))
    import zoneinfo

    try:
        return value.astimezone(zoneinfo.ZoneInfo(zone))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise EvaluationError(f"{zone!r} is no time zone") from None


def _identity(value: Any) -> Any:
    return value


_CLOCK: dict[str, Callable[[datetime.datetime], int]] = {
    "getFullYear": lambda at: at.year,
    "getMonth": lambda at: at.month - 1,
    "getDate": lambda at: at.day,
    "getDayOfMonth": lambda at: at.day - 1,
    "getDayOfWeek": lambda at: at.isoweekday() % 7,
    "getDayOfYear": lambda at: at.timetuple().tm_yday - 1,
    "getHours": lambda at: at.hour,
    "getMinutes": lambda at: at.minute,
    "getSeconds": lambda at: at.second,
    "getMilliseconds": lambda at: at.microsecond // 1000,
}
_LENGTHS: dict[str, Callable[[datetime.timedelta], int]] = {
    "getHours": lambda value: int(value / datetime.timedelta(hours=1)),
    "getMinutes": lambda value: int(value / datetime.timedelta(minutes=1)),
    "getSeconds": lambda value: int(value.total_seconds()),
    "getMilliseconds": lambda value: int(value / datetime.timedelta(milliseconds=1)) % 1000,
}
_i, _u = _arithmetic(signed), _arithmetic(unsigned)
_ORDERED = ("bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration")
_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _operators() -> Iterable[tuple[str, str, str, Callable[..., Any]]]:
    for sign, compare in _COMPARED.items():
        yield from ((sign, f"{kind} {kind}", "bool", compare) for kind in _ORDERED)
    whole: tuple[tuple[str, Callable[[Any, Any], Any], Callable[[Any, Any], Any] | None], ...] = (
        ("+", operator.add, operator.add),
        ("-", operator.sub, operator.sub),
        ("*", operator.mul, operator.mul),
        ("/", _divide, _ratio),
        ("%", _modulo, None),
    )
    for sign, integral, floating in whole:
        yield sign, "int int", "int", _i(integral)
        yield sign, "uint uint", "uint", _u(integral)
        if floating is not None:
            yield sign, "double double", "double", floating
    for kind in ("string string", "bytes bytes", "list(A) list(A)", "duration duration"):
        yield "+", kind, kind.partition(" ")[0], _dated(operator.add)
    yield "+", "timestamp duration", "timestamp", _dated(operator.add)
    yield "+", "duration timestamp", "timestamp", _dated(operator.add)
    yield "-", "timestamp timestamp", "duration", _dated(operator.sub)
    yield "-", "timestamp duration", "timestamp", _dated(operator.sub)
    yield "-", "duration duration", "duration", _dated(operator.sub)
    yield "==", "A A", "bool", equal
    yield "!=", "A A", "bool", lambda left, right: not equal(left, right)
    yield "!_", "bool", "bool", operator.not_
    yield "-_", "int", "int", lambda value: signed(-value)
    yield "-_", "double", "double", operator.neg
    yield "in", "A list(A)", "bool", lambda item, items: any(equal(item, one) for one in items)
    yield "in", "A map(A,B)", "bool", lambda key, table: key in table
    yield "[]", "list(A) int", "A", index
    yield "[]", "map(A,B) A", "B", lookup
    for container in ("{}", "optional({})"):
        yield "[]?", f"{container.format('list(A)')} int", "optional(A)", _maybe(index)
        yield "[]?", f"{container.format('map(A,B)')} A", "optional(B)", _maybe(lookup)


def _conversions() -> Iterable[tuple[str, str, str, Callable[..., Any]]]:
    for kind in ("bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"):
        yield kind, kind, kind, _identity
    yield "bool", "string", "bool", _to_bool
    yield "int", "uint", "int", signed
    yield "int", "double", "int", _from_float(signed)
    yield "int", "string", "int", _number(lambda text: signed(int(text)), "integer")
    yield "int", "timestamp", "int", lambda at: int((at - _EPOCH).total_seconds())
    yield "uint", "int", "uint", unsigned
    yield "uint", "double", "uint", _from_float(unsigned)
    yield "uint", "string", "uint", _number(lambda text: unsigned(int(text)), "integer")
    for whole in ("int", "uint"):
        yield "double", whole, "double", float
        yield "string", whole, "string", lambda value: str(int(value))
    yield "double", "string", "double", _number(float, "number")
    yield "string", "double", "string", _float_text
    yield "string", "bool", "string", lambda value: "true" if value else "false"
    yield "string", "bytes", "string", _to_text
    yield "string", "timestamp", "string", _time_text
    yield "string", "duration", "string", _duration_text
    yield "bytes", "string", "bytes", str.encode
    yield "timestamp", "string", "timestamp", parse_timestamp
    yield "timestamp", "int", "timestamp", lambda value: _EPOCH + datetime.timedelta(seconds=value)
    yield "duration", "string", "duration", parse_duration
    yield "dyn", "A", "dyn", _identity
    yield "type", "A", "type", type_name
    for sized in ("string", "bytes", "list(A)", "map(A,B)"):
        yield "size", sized, "int", len


def _methods() -> Iterable[tuple[str, str, str, Callable[..., Any]]]:
    for sized in ("string", "bytes", "list(A)", "map(A,B)"):
        yield ".size", sized, "int", len
    yield ".contains", "string string", "bool", lambda text, part: part in text
    yield ".startsWith", "string string", "bool", str.startswith
    yield ".endsWith", "string string", "bool", str.endswith
    yield ".matches", "string string", "bool", matches
    yield "matches", "string string", "bool", matches
    for name, get in _CLOCK.items():
        yield f".{name}", "timestamp", "int", get
        yield f".{name}", "timestamp string", "int", lambda at, zone, get=get: get(_at(at, zone))
    for name, measure in _LENGTHS.items():
        yield f".{name}", "duration", "int", measure


def _optionals() -> Iterable[tuple[str, str, str, Callable[..., Any]]]:
    yield "optional.of", "A", "optional(A)", lambda value: Optional(True, value)
    yield "optional.none", "", "optional(A)", lambda: NOTHING
    yield "optional.ofNonZeroValue", "A", "optional(A)", lambda value: Optional(True, value) if value else NOTHING
    yield ".hasValue", "optional(A)", "bool", lambda value: value.present
    yield ".value", "optional(A)", "A", _content
    yield ".orValue", "optional(A) A", "A", lambda value, other: value.value if value.present else other
    yield ".or", "optional(A) optional(A)", "optional(A)", lambda value, other: value if value.present else other


def overload(takes: str, gives: str, run: Callable[..., Any]) -> Overload:
    """One row of a table of functions; arguments apart by a space."""
    return Overload(tuple(map(kinds.read, takes.split())), kinds.read(gives), run)


def _table(rows: Iterable[tuple[str, str, str, Callable[..., Any]]]) -> dict[str, tuple[Overload, ...]]:
    found: dict[str, tuple[Overload, ...]] = {}
    for name, takes, gives, run in rows:
        found[name] = (*found.get(name, ()), overload(takes, gives, run))
    return found


_AT_RUN_TIME: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (Unsigned, "uint"),
    (int, "int"),
    (float, "double"),
    (str, "string"),
    (bytes, "bytes"),
    (datetime.timedelta, "duration"),
    (datetime.datetime, "timestamp"),
    (list, "list"),
    (dict, "map"),
    (Optional, "optional"),
    (type(None), "null_type"),
)


class TypeName(str):
    """The value of `type(…)`."""

    __slots__ = ()


def type_name(value: Any) -> TypeName:
    """The name of the type of a value."""
    if isinstance(value, TypeName):
        return TypeName("type")
    return TypeName(next((name for python, name in _AT_RUN_TIME if isinstance(value, python)), "message"))


STANDARD = _table((*_operators(), *_conversions(), *_methods()))
OPTIONALS = _table(_optionals())
