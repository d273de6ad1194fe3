"""Specs as people see them: struct -> the data of its YAML form, which is what the original prints.

A struct says about its form: `omit_empty`, fields left out when they have Go's zero value; `inline`, fields whose own
fields stand in their place; `as_yaml(plain)`, for a form that is no mapping of its fields.
"""

from __future__ import annotations

import datetime
import functools
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from talos.machinery.resources import _codec
from talos.machinery.types import wire

_ZERO_TIME = "0001-01-01T00:00:00Z"


def format_duration(value: datetime.timedelta) -> str:
    """Return a duration as Go prints it: `1h0m0s`, `1.5s`, `250ms`, `0s`."""
    microseconds = value // datetime.timedelta(microseconds=1)
    sign, microseconds = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    if microseconds == 0:
        return "0s"
    if microseconds < 1000:
        return f"{sign}{microseconds}µs"
    if microseconds < 1_000_000:
        return f"{sign}{microseconds / 1000:.15g}ms"
    seconds, fraction = divmod(microseconds, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{seconds}.{fraction:06d}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def format_time(value: datetime.datetime) -> str:
    """Return a time as Go prints it (RFC 3339): in UTC, as many digits of the second as there are."""
    text = value.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return text + "Z"


@dataclass(frozen=True, slots=True)
class _Key:
    """One field in YAML."""

    attribute: str
    name: str
    omit: bool
    inline: bool
    nullable: bool
    time: bool


@functools.cache
def _layout(kind: Any) -> tuple[_Key, ...]:
    omit: frozenset[str] = getattr(kind, "omit_empty", frozenset())
    inline: frozenset[str] = getattr(kind, "inline", frozenset())
    hints = _codec.hints(kind)
    return tuple(
        _Key(
            attribute=info.name,
            name=info.encode_name,
            omit=info.name in omit,
            inline=info.name in inline,
            nullable=isinstance(hints[info.name], types.UnionType),
            time=_codec.optional(hints[info.name]) is datetime.datetime,
        )
        for info in msgspec.structs.fields(kind)
    )


Fields = Callable[[Iterable[tuple[str, Any]]], Any]


def _plain(value: Any, fields: Fields) -> Any:
    """A value as YAML data."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | float) or value is None:
        return value
    if isinstance(value, msgspec.Struct):
        return to_plain(value, fields)
    if isinstance(value, datetime.timedelta):
        return format_duration(value)
    if isinstance(value, datetime.datetime):
        return format_time(value)
    if isinstance(value, bytes):
        # go-yaml has no form of its own for bytes: they are a list of numbers.
        return list(value)
    if isinstance(value, Mapping):
        return {key: _plain(item, fields) for key, item in value.items()}
    return [_plain(item, fields) for item in value]


def to_plain(spec: Any, fields: Fields = dict) -> Any:
    """Return a spec as the data its YAML form has: the original's keys, in order, empty ones left out as there.

    `fields` makes the mapping of a struct's fields; mappings that are values are plain dictionaries.
    """
    plain: list[tuple[str, Any]] = []
    for key in _layout(type(spec)):  # type: ignore[arg-type]
        value = getattr(spec, key.attribute)
        if key.omit and _is_empty(value, key):
            continue
        if key.inline:
            plain += (_plain(value, fields) or {}).items()
        elif value is None and key.time:
            plain.append((key.name, _ZERO_TIME))
        else:
            plain.append((key.name, _plain(value, fields)))
    form = getattr(spec, "as_yaml", None)
    made = fields(plain)
    return made if form is None else form(made)


def _is_empty(value: Any, key: _Key) -> bool:
    if value is None:
        return True
    if key.nullable and not key.time:
        return False
    if isinstance(value, msgspec.Struct):
        return bool(value == type(value)())
    if isinstance(value, wire.WireEnum):
        return value.number == 0
    return not value
