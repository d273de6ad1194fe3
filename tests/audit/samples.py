"""Specs in which every field, or exactly one, has a value that is not its default.

What a value looks like follows from the Python type and, where that is text, from the kind of field on the wire.
"""

from __future__ import annotations

import datetime
import types
import typing
from typing import Any

import msgspec
from google.protobuf.descriptor import FieldDescriptor

from talos.machinery.types import wire

_TEXTS = {
    "common.NetIP": "192.0.2.7",
    "common.NetIPPort": "192.0.2.7:6443",
    "common.NetIPPrefix": "192.0.2.0/24",
    "common.URL": "https://example.org:6443/path?q=1",
}
_FLAGS = {
    "AddressSpecSpec": "nodad,permanent",
    "AddressStatusSpec": "permanent,noprefixroute",
    "RouteSpecSpec": "cloned,prefix",
    "RouteStatusSpec": "cloned",
    "LinkStatusSpec": "UP,BROADCAST,LOWER_UP",
}
MOMENT = datetime.datetime(2026, 3, 4, 5, 6, 7, 890000, datetime.UTC)
FREE = {"kind": "Pod", "spec": {"list": ["a", 1.5, True, None], "deep": {"x": "y"}}}


def hints(kind: type[Any]) -> dict[str, Any]:
    """Types of a struct's fields."""
    return {name: hint for name, hint in typing.get_type_hints(kind).items() if name in kind.__struct_fields__}


def full(kind: type[Any], descriptor: Any) -> Any:
    """An instance with a value in every field that travels."""
    return kind(
        **{name: value for name in kind.__struct_fields__ if (value := field(kind, descriptor, name)) is not None}
    )


def field(kind: type[Any], descriptor: Any, name: str) -> Any:
    """A value for one field that is not its default; None for a field that does not travel."""
    found = descriptor.fields_by_name.get(name) or descriptor.fields_by_name.get(name.rstrip("_"))
    return None if found is None else _value(hints(kind)[name], found)


def strip(hint: Any) -> Any:
    """`X | None` -> X."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return next(a for a in typing.get_args(hint) if a is not type(None))
    return hint


def struct_of(hint: Any) -> type[Any] | None:
    """The struct a field holds: itself, in a list, or as the values of a mapping."""
    hint = strip(hint)
    if typing.get_origin(hint) in (tuple, dict):
        hint = strip(typing.get_args(hint)[0 if typing.get_origin(hint) is tuple else 1])
    return hint if isinstance(hint, type) and issubclass(hint, msgspec.Struct) else None


def message_of(found: Any) -> Any:
    """The message a field holds, or holds lists or mappings of."""
    if found.message_type is not None and found.message_type.GetOptions().map_entry:
        return found.message_type.fields_by_name["value"].message_type
    return found.message_type


def _value(hint: Any, found: Any) -> Any:
    hint = strip(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return (_value(arguments[0], found),)
    if origin is dict:
        if found.message_type is not None and found.message_type.full_name == "google.protobuf.Struct":
            return FREE
        if found.message_type is not None and found.message_type.GetOptions().map_entry:
            return {"key": _value(arguments[1], found.message_type.fields_by_name["value"])}
        return _mapping(found.message_type) if found.message_type is not None else FREE
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return full(hint, found.message_type)
    return _scalar(hint, found)


def _mapping(descriptor: Any) -> dict[str, Any]:
    """A mapping in the place of a message: its texts, under the names of its JSON form."""
    texts = [f for f in descriptor.fields if f.cpp_type == FieldDescriptor.CPPTYPE_STRING]
    return {f.json_name: ["text"] if f.is_repeated else "text" for f in texts}


def _scalar(hint: Any, found: Any) -> Any:
    if isinstance(hint, type) and issubclass(hint, wire.WireEnum):
        return next(member for member in hint if member.number != 0) if len(hint) > 1 else next(iter(hint))
    if hint is datetime.timedelta:
        return datetime.timedelta(hours=1, seconds=30)
    if hint is datetime.datetime:
        return MOMENT
    if hint is bytes:
        return b"\x00bytes\xff"
    if hint is bool:
        return True
    if hint is int:
        return 7
    if hint is float:
        return 1.5
    return _text(found)


def _text(found: Any) -> str:
    if found.message_type is not None:
        name = found.message_type.full_name
        if name in _TEXTS:
            return _TEXTS[name]
        # A message with one list stands for the list.
        return "text"
    if found.type == FieldDescriptor.TYPE_BYTES:
        return "02:00:5e:10:00:01"
    if found.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return "text"
    return _FLAGS.get(found.containing_type.name, "7")


def tags(data: bytes) -> dict[int, list[bytes]]:
    """Top-level fields of a message: number -> the bytes of each length-delimited value (empty for numbers)."""
    fields: dict[int, list[bytes]] = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        content = b""
        match key & 7:
            case 0:
                _, at = _varint(data, at)
            case 1:
                at += 8
            case 5:
                at += 4
            case 2:
                length, at = _varint(data, at)
                content, at = data[at : at + length], at + length
            case other:
                raise ValueError(f"wire type {other}")
        fields.setdefault(key >> 3, []).append(content)
    return fields


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
